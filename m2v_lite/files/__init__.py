"""A model folder or a packed file -> the parts of a model, and back.

It takes a path and gives a `ModelParts`: the mapped table (rows, dim), the tokenizer, the config and what the
model card says. Saving and packing take the same record. Nothing here knows the hub or `StaticModel`. The
modules, in the order in which a model passes them:

- `layouts`: which files a model folder has, and under what names. Add a layout here.
- `config`: the settings, and their checks.
- `model_card`: what a model card says; a new card.
- `safetensors`: the file format: checked, mapped and written.
- `packed_format`: what lies in a packed model.
- `reading`: a folder or a packed file -> parts, the table first.
- `parts`: the parts of a model, and what callers may read of them.
- `saving`: parts -> a folder; a folder -> a copy.
- `packing`: parts -> a packed file, and back to a folder; its checksums.
- `atomic_write`: files that appear whole or not at all.
"""
