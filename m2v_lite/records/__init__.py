"""Reads batches of texts from files, keeps all other data of each record, and writes it with the vectors.

A file passes through the modules in this order:

- `sources`: finds files from names, patterns and folders.
- `reading`: reads batches from files, using all the modules below.
- `byte_streams`: reads the bytes of a file or pipe as they arrive, decompressed.
- `decompression`: decompresses bytes.
- `file_formats`: detects the format of a file from its name and first bytes.
- `text_blocks`: splits bytes into blocks of complete lines.
- `lines`: reads records from plain text.
- `csv_rows`: reads records from CSV and TSV.
- `json_rows`: reads records from JSON Lines and JSON arrays.
- `json_items`: reads the items of a JSON array one by one.
- `arrow_rows`: reads records from Parquet and Arrow.
- `policies`: what to do with bad bytes and missing texts.
- `gathering`: collects records into batches without waiting for more.
- `batches`: the texts of a batch with all other data of their records.
- `places`: where records were read.
- `writing`: writes records and vectors to files that can grow for hours.
"""
