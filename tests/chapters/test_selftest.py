"""Each numbered chapter ends with a self-test: 3–5 questions, answers hidden until asked."""

import json
import re
from pathlib import Path

import pytest

CHAPTERS = sorted((Path(__file__).resolve().parents[2] / "chapters").glob("[0-9][0-9]_*.ipynb"))
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
HEADING = re.compile(r"^## (.+)$", re.M)
FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
QUESTION = re.compile(r"^\*\*(\d+)\.\*\* (.+?)(?=^\*\*\d+\.\*\* |\Z)", re.M | re.S)
ANSWER = re.compile(
    r"\n\n<details>\s*<summary>Answer to question (\d+)</summary>\n\n(.+?)\n\n</details>\s*\Z", re.S
)


def prose(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    return FENCE.sub("", "\n\n".join(texts))


def faults(markdown):
    """Say what is wrong with the self-test of a chapter's Markdown."""
    titles = HEADING.findall(markdown)
    if titles.count("Self-test") != 1:
        return [f"{titles.count('Self-test')} sections named Self-test"]
    found = []
    at = titles.index("Self-test")
    if titles[at - 1] != "What to take away" or titles[at + 1 :] not in ([], ["Further reading"]):
        found.append("it stands between What to take away and Further reading, and nothing else")
    section = re.split(r"^## ", markdown.split("\n## Self-test\n", 1)[1], flags=re.M)[0]
    questions = QUESTION.findall(section)
    if not 3 <= len(questions) <= 5:
        found.append(f"{len(questions)} questions")
    for place, (number, text) in enumerate(questions, 1):
        answers = ANSWER.findall(text)
        if int(number) != place or [int(n) for n, _ in answers] != [place]:
            found.append(f"question {place}: numbers out of step, or no closed answer behind it")
            continue
        asked = ANSWER.sub("", text).strip()
        if len(asked) < 60 or not re.search(r"[?]", asked):
            found.append(f"question {place} asks nothing")
        if len(answers[0][1].strip()) <= 60:
            found.append(f"answer {place} gives no reason")
    if section.count("<details") != len(questions) or re.search(r"<details[^>]*\bopen\b", section):
        found.append("an answer too many, or one that stands open")
    return found


def test_there_are_chapters():
    assert len(CHAPTERS) >= 17


@each_chapter
def test_the_chapter_ends_with_a_self_test(path):
    assert faults(prose(path)) == []


def write(questions=3, **changes):
    parts = {
        "before": "## What to take away\n\nThis.\n\n",
        "title": "## Self-test\n\nFirst think.\n\n",
        "question": "A model that knew the answer was judged best. What has to be asked first?",
        "open": "<details><summary>Answer to question {}</summary>",
        "answer": "Whether it could have known the answer at the time; if not, there is a leak.",
        "after": "## Further reading\n\nA book.\n",
    } | changes
    block = "**{0}.** {question}\n\n{open}\n\n{answer}\n\n</details>\n\n"
    blocks = [
        block.format(n, **(parts | {"open": parts["open"].format(n)}))
        for n in range(1, questions + 1)
    ]
    return parts["before"] + parts["title"] + "".join(blocks) + parts["after"]


def test_a_good_one_passes():
    assert [faults(write(n)) for n in (3, 4, 5)] == [[], [], []]
    assert faults(write(after="")) == []


@pytest.mark.parametrize(
    "broken",
    [
        write(2),
        write(6),
        write(title="## Questions\n\n"),
        write(before="## What to take away\n\nThis.\n\n## More\n\nThat.\n\n"),
        write(after="## Exercises\n\nOne.\n"),
        write(answer="Yes."),
        write(question="Say something about models and how they are judged, in a sentence or two."),
        write(open="<details open><summary>Answer to question {}</summary>"),
        write(open="<details><summary>Answer</summary>"),
        write(open="<summary>Answer to question {}</summary>"),
        write().replace("**2.**", "**4.**"),
        write().replace("</details>", "", 1),
        write().replace("question 2<", "question 3<"),
    ],
)
def test_a_fault_is_found(broken):
    assert faults(broken) != []
