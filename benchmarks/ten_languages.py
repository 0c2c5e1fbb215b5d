"""Texts in ten languages and six scripts, and what model2vec gives for them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from results_folder import HERE

SECONDS = 600  # many times what model2vec takes, even with a large vocabulary
# Two texts each.
TEN_LANGUAGES = {
    "English": ["The kettle is on, and the kitchen is warm.", "Where does the night train to Lisbon leave?"],
    "German": ["Der Wasserkessel pfeift schon seit einer Weile.", "Größere Äpfel kosten mehr als kleine."],
    "French": ["Où est passée la clé de l'atelier ?", "Le café est déjà prêt, servez-vous !"],
    "Polish": ["Zażółć gęślą jaźń, proszę bardzo.", "Pociąg do Łodzi odjeżdża o siódmej rano."],
    "Russian": ["Привет, мир! Как сегодня погода?", "Книга лежит на столе у окна."],
    "Greek": ["Γειά σου Κόσμε, καλημέρα σας.", "Το βιβλίο είναι πάνω στο τραπέζι."],
    "Arabic": ["مرحبا بالعالم، كيف حالك اليوم؟", "الكتاب على الطاولة بجانب النافذة."],
    "Hindi": ["नमस्ते दुनिया, आज मौसम कैसा है?", "किताब मेज़ पर रखी है।"],
    "Japanese": ["東京は日本の首都です。", "お湯が沸いたので、お茶をいれましょう。"],
    "Korean": ["안녕하세요, 세계! 오늘 날씨가 어때요?", "책은 창가의 책상 위에 있습니다."],
}
TEXTS = [text for texts in TEN_LANGUAGES.values() for text in texts]


def vectors_of_model2vec(
    python: Path, packages: Path | None, model: Path, texts: list[str]
) -> NDArray[np.float32]:
    """Return model2vec's vectors, from a process of another Python.

    Args:
        python: a Python for which model2vec is installed.
        packages: the folder where it is installed, if not in this Python's environment.
        model: the folder of a model.
        texts: what to encode.
    """
    path = os.pathsep.join(map(str, [HERE.parent, *([] if packages is None else [packages])]))
    environment = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as temporary:
        texts_file, vectors_file = Path(temporary) / "texts.json", Path(temporary) / "vectors.npy"
        texts_file.write_text(json.dumps(texts), encoding="utf-8")
        command = [str(python), str(HERE / "encode_texts.py"), "model2vec", str(model)]
        command += [str(texts_file), str(vectors_file)]
        subprocess.run(command, env=environment, check=True, timeout=SECONDS)
        vectors: NDArray[np.float32] = np.load(vectors_file)
    return vectors
