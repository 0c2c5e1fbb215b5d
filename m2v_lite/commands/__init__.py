"""The command line `m2v-lite`, with one file for each command.

It takes arguments, and texts from files or standard input. It gives vectors, tables and model files. The
modules, in the order in which a call passes them:

- `main`: the parser, errors and signals, and the list of all commands. Add a command here.
- `options`: the options that several commands share.
- `replacing`: what a command may replace without `--force`.
- `loaded`: loads the models that commands work on.
- `inputs`: the texts that a command reads.
- `stopping`: signals -> an end of the input.
- `encode`: the options of `m2v-lite encode`, which embeds texts.
- `encode_job`: its work.
- `output_suffixes`: the name of an output file -> its kind.
- `outputs`: where its vectors go.
- `index_file`: which index a command works on.
- `index`: makes files searchable.
- `watching`: folders -> a signal whenever something in them changes.
- `search`: prints the passages in an index that match a query.
- `similarity`: prints cosine similarities.
- `classify`: prints the labels of texts.
- `info`: shows details of a model.
- `pack`: packs a model into one file, and unpacks it.
- `download`: downloads a model from the hub.
- `list`: lists cached or recommended models.
- `bench`: measures speed and memory on this machine.
- `printing`: prints tables and counts, and makes texts and errors fit for a terminal.
"""
