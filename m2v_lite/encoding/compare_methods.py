"""The methods of a model that compare vectors. Each imports the module that does its work when called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class CompareMethods:
    """A mixin with the methods of sentence-transformers that compare vectors."""

    def similarity(self: Any, embeddings1: ArrayLike, embeddings2: ArrayLike) -> NDArray[Any]:
        """Return the similarity of each vector in one set to each vector in another.

        It computes the same scores as `cos_sim`, `dot_score`, `euclidean_sim` and `manhattan_sim` in
        `sentence_transformers.util`.

        Args:
            embeddings1: (n, columns), or one vector (columns,), which counts as (1, columns).
            embeddings2: (m, columns), or one vector.

        Returns:
            The scores, (n, m), in float32 (float64 for float64 vectors). They are cosines, unless
            `similarity_fn_name` in the config is "dot", "euclidean" or "manhattan". Distances are negative,
            so a higher score always means more similar.

        Raises:
            InputTypeError: an argument holds texts instead of vectors.
            InputValueError: the vectors have different numbers of columns, or the config names an unknown
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
        """Return the similarity of each vector in one set to the vector at the same position in another.

        It computes the same scores as `pairwise_cos_sim`, `pairwise_dot_score`, `pairwise_euclidean_sim` and
        `pairwise_manhattan_sim` in `sentence_transformers.util`.

        Args:
            embeddings1: (n, columns), or one vector (columns,), which counts as (1, columns).
            embeddings2: (n, columns), or one vector.

        Returns:
            The scores, (n,), in float32 (float64 for float64 vectors). They are cosines, unless
            `similarity_fn_name` in the config is "dot", "euclidean" or "manhattan". Distances are negative,
            so a higher score always means more similar.

        Raises:
            InputTypeError: an argument holds texts instead of vectors.
            InputValueError: the sets have different numbers of vectors or columns, or the config names an
                unknown function.

        Examples:
            >>> from m2v_lite import StaticModel
            >>> model = StaticModel.from_pretrained()
            >>> questions, answers = model.encode(["tea", "a train"]), model.encode(["a pot of tea", "milk"])
            >>> model.similarity_pairwise(questions, answers).round(1)
            array([0.8, 0. ], dtype=float32)
        """
        from m2v_lite.encoding.comparing import compared

        return compared(self.config, embeddings1, embeddings2, is_pairwise=True)
