"""The name of a model on the Hugging Face hub -> a folder in the hub's cache.

The input is the name of a repository and a revision. The output is the path of a snapshot. If the cache lacks
the snapshot, it is downloaded and checked. A name passes the modules in this order:

- `fetching`: a name -> a folder, from the cache or the hub.
- `cache`: the cache's layout: which commit a branch names, and whether a model is complete.
- `download`: downloads a model's files into the cache.
- `checksums`: checks files against the hub's checksums.
- `failures`: decides after an error whether to try again, and what to tell the user.
- `nearest`: the name that a misspelt one may mean.
- `listing`: the static models in the cache.
- `known_models`: the static models that the help recommends.
"""
