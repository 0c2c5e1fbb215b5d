"""The command line `m2v-lite`, one file a command.

It takes arguments, and texts from files or standard input. It gives vectors, tables and model files. The
modules, in the order in which a call passes them:

- `main`: the parser, errors and signals, and the list of all commands. Add a command here.
- `options`: the options that several commands have.
- `loaded`: the models that commands work on.
- `encode`: embeds texts.
- `records`: the lines of a file -> records with a text each.
- `writers`: vectors -> a .npy or JSON Lines file.
- `similarity`: prints cosine similarities.
- `info`: prints what is known of a model.
- `pack`: packs a model into one file, and unpacks it.
- `download`: fetches a model from the hub.
- `list`: prints the models in the cache, or worth knowing.
- `bench`: measures speed and memory on this machine.
- `printing`: tables, and texts that are too long for a terminal.
"""
