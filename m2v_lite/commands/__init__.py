"""The command line, `m2v-lite`. Each command has its own file.

It reads texts from arguments, files or standard input, and writes vectors, tables and model files. A call
passes through the modules in this order:

- `main`: the parser, errors and signals, and the list of all commands. Add a command here.
- `options`: the options that several commands share.
- `replacing`: what a command can replace without `--force`.
- `loaded`: loads the models that commands use.
- `inputs`: reads the texts for a command.
- `stopping`: lets signals end the input.
- `encode`: the options of `m2v-lite encode`, which embeds texts.
- `encode_job`: the work of `m2v-lite encode`.
- `output_suffixes`: finds the kind of an output file from its name.
- `outputs`: where `m2v-lite encode` writes its vectors.
- `index_file`: selects the index that a command uses.
- `index`: makes files searchable.
- `watching`: reports changes in folders.
- `search`: prints the passages in an index that match a query.
- `similarity`: prints cosine similarities.
- `classify`: prints the labels of texts.
- `info`: shows details of a model.
- `pack`: packs a model into one file, and unpacks it.
- `download`: downloads a model from the hub.
- `list`: lists cached or recommended models.
- `bench`: measures speed and memory on this machine.
- `printing`: prints tables and counts, and prepares texts and errors for a terminal.
"""
