"""CPU of opening a long PDF at what was looked for, in the reader: the page, then its picture.

Run alone: ``.venv/bin/python benchmarks/desk_original.py [--pages 500]``. The PDF is made of fictitious text
(`document_pages`) and joined to the first letter of the sample. CPU seconds are those of the process that
answers and of the confined child that draws, its start included.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
sys.path.insert(1, str(ROOT))

CASE = "inspection_letters"


def spent() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    uses = (resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in uses)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=500)
    count = parser.parse_args().pages
    with tempfile.TemporaryDirectory(prefix="eclaireur-original-") as home:
        os.environ["ECLAIREUR_HOME"] = home
        os.environ.pop("DATABASE_URL", None)
        from eclaireur.desk.start import prepare

        prepare()
        measure(count, Path(home))


def measure(count: int, home: Path) -> None:
    """Join a PDF, then open it three times."""
    from benchmarks.document_pages import make
    from django.test import Client

    from eclaireur.bricks.semantic.index import Search
    from eclaireur.desk.models import Grant, Role, User
    from eclaireur.desk.place import work_on, workspace
    from eclaireur.service import originals, searching
    from eclaireur.service.indexing import index_case

    index_case(work_on(CASE), "sample")
    name = searching.opened(workspace(), CASE).search(Search()).hits[0].document.id
    path = home / "a.pdf"
    path.write_bytes(make("letter", 1, pages=count).data)
    start = spent()
    originals.keep(workspace(), CASE, name, path, seconds=600)
    print(f"{count} pages read and kept: {spent() - start:.1f} CPU-s")
    user = User.objects.create_user("mesure", "Ada Martin", None)
    Grant.objects.create(user=user, role=Role.AGENT, case=CASE)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    client.get(f"/{CASE}/document/", {"id": name})
    times = []
    for _ in range(3):
        start = spent()
        shown = client.get(f"/{CASE}/document/page/", {"id": name, "q": "dosimétrie"})
        drawn = client.get(f"/{CASE}/document/page.png", {"id": name, "n": str(count)})
        times.append(spent() - start)
        if (shown.status_code, drawn.status_code) != (200, 200):
            sys.exit("The page was not shown.")
    print(f"opened at what was looked for: {min(times):.2f} to {max(times):.2f} CPU-s, three times")


if __name__ == "__main__":
    main()
