"""Finds the folder of a Hugging Face hub model in the hub's cache, and downloads the model if needed.

The input is the name of a repository and a revision. The output is the path of a snapshot. If the snapshot is
not in the cache, it is downloaded and checked. A name passes through the modules in this order:

- `fetching`: finds the folder of a name in the cache or on the hub.
- `cache`: the layout of the cache: which commit a branch names, and whether a model is complete.
- `download`: downloads the files of a model to the cache.
- `checksums`: checks files against the hub's checksums.
- `failures`: decides whether to retry after an error, and tells the user what to do.
- `nearest`: suggests names that resemble a misspelled one.
- `listing`: lists the static models in the cache.
- `known_models`: lists the static models that the help recommends.
"""
