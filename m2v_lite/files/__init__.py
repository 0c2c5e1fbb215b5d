"""Reads the parts of a model from a folder or a packed file, and writes them.

The input is a path. The output is a `ModelParts`: the mapped table (rows, dim), the tokenizer, the config and
the contents of the model card. To save or pack a model, pass a `ModelParts`. No module here knows the hub or
`StaticModel`. A model passes through the modules in this order:

- `layouts`: the files of a model folder, and their names. Add a layout here.
- `config`: reads and checks the settings.
- `model_card`: reads a model card.
- `safetensors`: checks, maps and writes files in this format.
- `packed_format`: the contents of a packed model.
- `reading`: reads the parts of a folder or a packed file, the table first.
- `model_parts`: the parts of a model, and the attributes that callers can read.
- `modules_json`: reads and writes the list of modules of sentence-transformers.
- `dense_layers`: reads and writes the modules after the table.
- `sentence_transformers`: reads a folder of sentence-transformers as parts, and writes one.
- `heads`: the layers of a classifier model.
- `saving`: saves parts to a folder, and copies a folder.
- `blob_names`: finds the checksum of a file in the hub's cache.
- `assets`: finds the folder where libraries keep files derived from downloads.
- `kept_tokenizers`: loads a large tokenizer.json from arrays that are built once and kept there.
- `module_entries`: the modules of sentence-transformers in a packed model.
- `packed_file`: writes tensors and metadata to a packed file, and checks its checksums.
- `packing`: packs parts into a file, and unpacks it to a folder.
- `save_methods`: the methods of a model that use `saving` and `packing`.
- `atomic_write`: writes files that appear only when they are complete.
"""
