"""Find the sentences nearest to yours, with the bundled model. This needs no network and no other package.

python examples/nearest.py "growing vegetables in the garden"
"""

from __future__ import annotations

import argparse

from m2v_lite import StaticModel

USUAL = "growing vegetables in the garden"
SENTENCES = [
    "Insulate the loft before you buy a bigger boiler.",
    "Draughts around old windows can be stopped with felt strips.",
    "The heat pump runs best when the radiators are large.",
    "Turn the heating down at night and wear a jumper.",
    "Bread dough rises faster near the stove.",
    "Soak the beans overnight and cook them slowly.",
    "A pinch of salt brings out the taste of chocolate.",
    "Sharpen the knife before you slice tomatoes.",
    "Tomatoes want sun, water and something to climb.",
    "Plant garlic in autumn and harvest it in July.",
    "Slugs eat young lettuce on wet nights.",
    "Bees visit lavender from June until September.",
    "The train to the coast leaves at a quarter past nine.",
    "You can take a bicycle on the ferry without a ticket.",
    "The last bus home goes before midnight.",
    "Our flight was late because of fog at the airport.",
    "A capacitor keeps the supply voltage steady.",
    "The board boots from a memory card in twenty seconds.",
    "Solder the ground wire first, then the others.",
    "The sensor reports temperature and humidity every minute.",
    "Commit early, commit often, and write why.",
    "The test fails only when two threads run at once.",
    "A hash table finds a key in constant time on average.",
    "The program crashed because the file was empty.",
    "She plays the cello in a string quartet.",
    "The choir sings in the old church on Sundays.",
    "He tuned the piano by ear.",
    "The goalkeeper saved a penalty in the last minute.",
    "They climbed the mountain before the storm came.",
    "Running in the morning clears the head.",
    "The doctor told him to rest and drink plenty of water.",
    "A cold lasts a week with medicine and seven days without.",
    "The bank raised its interest rate again.",
    "Keep your receipts if you want the tax back.",
    "The moon was full and the tide was high.",
    "Light from that galaxy left before there were people.",
]


def nearest(query: str, sentences: list[str], number: int = 5) -> list[tuple[float, str]]:
    """Return the `number` sentences nearest to `query`, each with its cosine similarity."""
    model = StaticModel.from_pretrained()
    similarities = model.encode(sentences) @ model.encode(query)
    order = similarities.argsort()[::-1][:number]
    return [(float(similarities[index]), sentences[index]) for index in order]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Find the sentences nearest to yours.")
    parser.add_argument("query", nargs="*", help=f"what to look for (default: {USUAL})")
    query = " ".join(parser.parse_args().query) or USUAL
    print(f"{len(SENTENCES)} sentences; nearest to: {query}\n")
    for similarity, sentence in nearest(query, SENTENCES):
        bar = "#" * max(0, round(similarity * 40))
        print(f"{similarity:6.3f}  {bar:<28} {sentence}")
