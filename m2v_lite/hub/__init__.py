"""The name of a model on the Hugging Face hub -> a folder in the hub's cache.

It takes the name of a repository and a revision. It gives the path of a snapshot, which was in the cache, or
is downloaded and checked. The modules, in the order in which a name passes them:

- `fetching`: a name -> a folder, from the cache or the hub.
- `cache`: the cache's layout: which commit a branch names, whether a model is complete.
- `download`: a model's files into the cache.
- `checksums`: whether files are what the hub lists.
- `failures`: what an error means: whether to try again, and what to tell the user.
- `listing`: the static models in the cache.
- `known_models`: static models worth knowing.
"""
