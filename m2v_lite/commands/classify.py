"""`m2v-lite classify`: prints the labels of texts, with their probabilities."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from m2v_lite.commands.inputs import opened_input, policy_of, texts_to_read, told, wrong_input
from m2v_lite.commands.loaded import set_max_length
from m2v_lite.commands.options import add_max_length, revisions, wrong_revision
from m2v_lite.commands.stopping import StopRequests
from m2v_lite.progress import print_error, printable

if TYPE_CHECKING:
    from m2v_lite.inference.pipeline import StaticModelPipeline


def add(commands: Any) -> None:
    """Add this command to the parser."""
    classify = commands.add_parser(
        "classify",
        parents=[revisions(), texts_to_read("classify")],
        help="print the labels of texts",
        description="Print the label of each text and its probability, then the text. The model needs a head "
        "trained with model2vec. If texts can have several labels, all those above the threshold are "
        "printed. For a head without labels, its numbers are printed.",
    )
    classify.add_argument(
        "--model",
        required=True,
        help="a model folder, packed model or name on the hub, with a head (required)",
    )
    add_max_length(classify)
    classify.add_argument(
        "--threshold",
        type=_probability,
        default=0.5,
        metavar="P",
        help="if texts can have several labels, print those above this probability (default: 0.5)",
    )
    classify.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object per text, with the probabilities of all labels",
    )
    classify.set_defaults(run=_classify, wrong_usage=_wrong_usage, parser=classify)


def _classify(options: argparse.Namespace) -> None:
    from m2v_lite.inference.pipeline import StaticModelPipeline

    pipeline = StaticModelPipeline.from_pretrained(
        options.model, revision=options.revision, subfolder=options.subfolder
    )
    set_max_length(pipeline.model, options)
    policy = policy_of(options)
    with StopRequests() as stops:
        input = opened_input(options, policy, stops.wait)
        try:
            for batch in stops.until_requested(input.batches()):
                for line in _lines(pipeline, batch.texts, options):
                    print(line)
                if sys.stdout is not None:
                    sys.stdout.flush()
            stops.go_on()
        finally:
            for line in told(input, policy):
                print_error(f"m2v-lite: {line}")


def _lines(pipeline: StaticModelPipeline, texts: list[str], options: argparse.Namespace) -> list[str]:
    """Return what to print of each text."""
    activation = pipeline.head.activation.value
    if activation == "identity" or pipeline.classes_ is None:
        answer = pipeline.predict if activation == "identity" else pipeline.predict_proba
        rows = [row.tolist() for row in answer(texts)]
        if options.json:
            return [json.dumps({"text": text, "values": row}) for text, row in zip(texts, rows, strict=True)]
        return [
            f"{' '.join(f'{number:.4g}' for number in row)}  {printable(text)}"
            for text, row in zip(texts, rows, strict=True)
        ]
    names = pipeline.classes_.tolist()
    lines = []
    for text, row in zip(texts, pipeline.predict_proba(texts), strict=True):
        chosen = _chosen(row, activation == "sigmoid", options.threshold)
        if options.json:
            probabilities = {str(name): float(number) for name, number in zip(names, row, strict=True)}
            labels = [names[place] for place in chosen]
            lines.append(json.dumps({"text": text, "labels": labels, "probabilities": probabilities}))
        else:
            shown = ", ".join(f"{names[place]} {row[place]:.3f}" for place in chosen)
            lines.append(printable(f"{shown or '-'}  {text}"))
    return lines


def _chosen(probabilities: NDArray[Any], several: bool, threshold: float) -> Sequence[int]:
    """Return the indexes of the labels to print, the likeliest first."""
    if not several:
        return [int(probabilities.argmax())]
    above = probabilities > threshold
    return [place for place in np.argsort(-probabilities, kind="stable").tolist() if above[place]]


def _probability(text: str) -> float:
    """Return the number from 0 to 1 in a text."""
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a number from 0 to 1")
    return number


def _wrong_usage(options: argparse.Namespace) -> str | None:
    return wrong_input(options) or wrong_revision(options)
