"""The methods of a model that compare vectors. The module that does it is imported when one is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class CompareMethods:
    """Gives a model the methods of sentence-transformers that compare vectors."""

    def similarity(self: Any, embeddings1: ArrayLike, embeddings2: ArrayLike) -> NDArray[Any]:
        """Return how similar each vector of one set is to each of another.

        The functions are those of `sentence_transformers.util`: `cos_sim`, `dot_score`, `euclidean_sim` and
        `manhattan_sim`.

        Args:
            embeddings1: (n, columns), or one vector (columns,), which counts as (1, columns).
            embeddings2: (m, columns), or one vector.

        Returns:
            (n, m) float32 (float64 for vectors of float64): cosines, unless `similarity_fn_name` in the
            config says "dot", "euclidean" or "manhattan". A distance is negative, so that more is nearer.

        Raises:
            InputTypeError: texts are given instead of vectors.
            InputValueError: the vectors have different numbers of columns, or the config names another
                function.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> model.similarity(model.encode("tea"), model.encode(["a pot of tea", "a train"])).round(1)
            array([[0.8, 0.2]], dtype=float32)
        """
        from m2v_lite.encoding.comparing import compared

        return compared(self.config, embeddings1, embeddings2, is_pairwise=False)

    def similarity_pairwise(self: Any, embeddings1: ArrayLike, embeddings2: ArrayLike) -> NDArray[Any]:
        """Return how similar each vector of one set is to the one at the same place in another.

        The functions are those of `sentence_transformers.util`: `pairwise_cos_sim`, `pairwise_dot_score`,
        `pairwise_euclidean_sim` and `pairwise_manhattan_sim`.

        Args:
            embeddings1: (n, columns), or one vector (columns,), which counts as (1, columns).
            embeddings2: (n, columns), or one vector.

        Returns:
            (n,) float32 (float64 for vectors of float64): cosines, unless `similarity_fn_name` in the config
            says "dot", "euclidean" or "manhattan". A distance is negative, so that more is nearer.

        Raises:
            InputTypeError: texts are given instead of vectors.
            InputValueError: the sets differ in their number of vectors or of columns, or the config names
                another function.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> questions, answers = model.encode(["tea", "a train"]), model.encode(["a pot of tea", "milk"])
            >>> model.similarity_pairwise(questions, answers).round(1)
            array([0.8, 0. ], dtype=float32)
        """
        from m2v_lite.encoding.comparing import compared

        return compared(self.config, embeddings1, embeddings2, is_pairwise=True)
