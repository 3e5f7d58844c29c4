"""Hostile and broken submissions, graded for real in one class with honest ones.

A family is a module with a list `ATTACKS`; `arena.py` makes the class and has it graded; `test_red_team.py` looks at
what came out. An attack says what it tried, and what it got, on its standard output, which only the TA sees.
"""
