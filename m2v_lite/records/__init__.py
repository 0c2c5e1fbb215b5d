"""Files as people have them -> batches of texts, with all that came with each text, and back with vectors.

The modules, in the order in which a file passes them:

- `sources`: names, patterns and folders -> files.
- `reading`: files -> batches; the wiring of all below.
- `byte_streams`: a file or pipe -> its bytes as they arrive, decompressed.
- `decompression`: compressed bytes -> the bytes that they stand for.
- `file_formats`: the name and the first bytes of a file -> its format.
- `text_blocks`: bytes -> blocks of whole lines.
- `lines`: plain text -> records.
- `csv_rows`: CSV and TSV -> records.
- `json_rows`: JSON Lines and JSON arrays -> records.
- `json_items`: a JSON array -> its items, one by one.
- `arrow_rows`: Parquet and Arrow -> records.
- `policies`: what becomes of bad bytes and missing texts.
- `gathering`: records -> batches, before more is waited for.
- `batches`: the texts of a batch, with all that came with them.
- `places`: where records were read.
- `writing`: records with their vectors -> files that may grow for hours.
"""
