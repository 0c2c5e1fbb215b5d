"""Texts -> vectors: the stages of one model wired together, and the strategies to run them.

It takes a list of texts and gives vectors (texts, dim) in the order of the texts: the same bits with every
strategy. The modules, in the order in which a text passes them:

- `prompts`: what stands before a query or a document.
- `other_libraries`: the options that callers of other libraries pass.
- `texts`: what callers pass as texts, checked.
- `requests`: the arguments of `encode`, checked.
- `strategies`: the ways to run, as values of one kind, and the choice among them.
- `batches`: how large a batch may be, and where it is cut.
- `encoder`: one text or one batch: tokenize, gather, mean, scale.
- `thread`: pools one batch while the next is tokenized.
- `batch_streams`: texts that come batch by batch.
- `comparing`: how similar vectors are.
- `compare_methods`: the methods of a model that call on `comparing`.
- `more_methods`: the methods of a model beside `encode`, which call on all these.
- `workers`: makes a pool of worker processes for a model.
- `worker_pool`: worker processes that a caller keeps for a while.
- `processes`: starts and ends worker processes, and has them encode a list.
- `sharing`: gives them parts as they have room, and takes their answers in order.
- `worker_process`: one of them.
- `shared_array`: the result, which all of them write.
- `interrupts`: lets Ctrl-C come only where no process is left behind.
"""
