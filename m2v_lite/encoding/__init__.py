"""Turns texts into vectors: connects the stages of a model and contains the strategies to run them.

The input is a list of texts. The output is vectors (texts, dim) in the order of the texts. All strategies
return the same bits. A text passes through the modules in this order:

- `prompts`: adds the text that comes before a query or a document.
- `other_libraries`: handles the options that callers of other libraries pass.
- `texts`: checks what callers pass as texts.
- `requests`: checks the arguments of `encode`.
- `strategies`: the strategies to run, as functions of one kind, and the choice between them.
- `batches`: sets the size of batches, and cuts lists of texts into them.
- `encoder`: encodes one text or one batch: tokenize, gather, average, scale.
- `thread`: pools one batch while the next is tokenized.
- `batch_streams`: encodes texts that come batch by batch.
- `comparing`: computes the similarity of vectors.
- `compare_methods`: the methods of a model that use `comparing`.
- `more_methods`: the methods of a model other than `encode`, which use all of these modules.
- `workers`: makes a pool of worker processes for a model.
- `worker_pool`: a pool of worker processes that a caller keeps for a while.
- `processes`: starts and stops worker processes, and encodes a list of texts with them.
- `sharing`: distributes parts among the workers, and returns their answers in order.
- `worker_process`: a single worker process.
- `shared_array`: the result array, which all workers write.
- `interrupts`: delays Ctrl-C until no process would be left behind.
"""
