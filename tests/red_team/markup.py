"""Script, formulas and control characters in names, messages and prints."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from red_team.attack import Attack

SCRIPT = "<script>alert('owned')</script>"
_ZEROS = "say('tried:')\neverywhere(zeros)\n"


def _named(name: str, student: str) -> Attack:
    return Attack(name, _ZEROS, student=student)


def _bytes_name(folder: Path, files: Mapping[str, bytes], student: str) -> None:
    place = os.fsencode(folder) + b"/\xff\xfe not utf-8"
    os.mkdir(place)
    for name, data in files.items():
        with open(place + b"/" + name.encode(), "wb") as file:
            file.write(data)


ATTACKS = [
    _named("script_in_a_name", "<img src=x onerror=alert('owned')>"),
    _named("an_attribute_in_a_name", '"><svg onload=alert(1)>'),
    _named("a_formula_for_a_name", '=HYPERLINK("http:\\\\evil.example","grade")'),
    _named("a_command_for_a_name", "@SUM(1+1)*cmd|' \\C calc'!A0"),
    _named("a_wide_formula_for_a_name", "＝1+1"),
    _named("plus_for_a_name", "+1+1"),
    _named("minus_for_a_name", "-2+3"),
    _named("a_tab_for_a_name", "\t=1+1"),
    _named("lines_in_a_name", 'mallory\nada,110.0,100.0\n"'),
    _named("controls_in_a_name", "\x1b[2J\x07mallory\x1b]0;owned\x07"),
    _named("right_to_left_name", "\u202eyp.tneduts\u202c"),
    _named("a_name_like_ours", "_log"),
    _named("a_name_like_a_result", "gradebook.csv"),
    _named("a_name_like_another", "Twin"),
    _named("another_name_like_it", "tWIN"),
    _named("a_name_with_braces", "{{ 7 * 7 }}{% for x in y %}"),
    _named("rich_markup_in_a_name", "[link=http:owned][blink][bold red]ada"),
    _named("a_very_long_name", "name" * 60),
    Attack("a_name_of_bytes", _ZEROS, pack=_bytes_name, student="not utf-8"),
    Attack(
        "script_in_everything",
        f'''
        print("{SCRIPT}")
        say("tried:", "{SCRIPT}")
        raise ImportError("{SCRIPT} {{{{ 7 * 7 }}}} \\x1b[2J \\u202e ]]> --> </title></textarea>", name="{SCRIPT}")
        ''',
        baseline=f'def batch_mean_baseline(x):\n    """{SCRIPT}"""\n    raise type("{SCRIPT}", (Exception,), {{}})("{SCRIPT}")\n',
        statuses=("import_error",),
    ),
    Attack(
        "letters_that_nobody_sees",
        """
        HIDDEN = "a\\u200bb \\u061c \\u200f \\u2028 \\ufeff \\U000e0041"
        say("tried:", HIDDEN)
        raise ImportError(HIDDEN)
        """,
        statuses=("import_error",),
    ),
    Attack(
        "script_in_a_syntax_error",
        f"""
        say("tried:")
        exec(compile("{SCRIPT}", "{SCRIPT}", "exec"))
        """,
        statuses=("import_error",),
    ),
    Attack(
        "script_in_results",
        f'''
        say("tried:")
        Script = type("{SCRIPT}", (), {{}})
        everywhere(lambda *args: ["{SCRIPT}", {{"{SCRIPT}": "{SCRIPT}"}}, Script()][len(args) % 3])
        ''',
    ),
]
