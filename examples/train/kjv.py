"""The King James Bible, for `tag_words.py` and `generate.py`: one verse a line, some books held back.

    apt-get download bible-kjv bible-kjv-text    # Debian 12: 4.38; the text is in the public domain
    for i in bible-kjv*.deb; do dpkg-deb -x $i unpacked; done
    LD_LIBRARY_PATH=unpacked/usr/lib unpacked/usr/bin/bible -p unpacked/usr/lib -l100000 Gen1:1-Rev22:21 > kjv.txt
    python examples/train/kjv.py    # writes examples/data/kjv/held_back.txt: what no model was trained with
"""

import pathlib
import re

DATA = pathlib.Path(__file__).parent.parent / "data" / "kjv"
HELD_BACK = ["Ruth", "Ecclesiastes", "Jonah"]


def verses(held_back, path="kjv.txt"):
    """The verses of the books that are held back, or of all the others; "Ruth 1" is a heading, "  1 Now" a verse."""
    found, book = [], None
    for line in open(path, encoding="ascii"):
        if heading := re.match(r"(\S.*) \d+$", line):
            book = heading[1]
        elif (verse := re.match(r" +\d+ (.*)$", line)) and (book in HELD_BACK) == held_back:
            found.append(verse[1].strip())
    return found


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    (DATA / "held_back.txt").write_text("\n".join(verses(True)) + "\n")
