"""Client snippets are whole programs with this stack's address and key; the end-to-end tests run them."""

import ast

from demo.snippets import javascript, python
from demo.stack import Stack

STACK = Stack("http://127.0.0.1:4000/v1", "", "", "", "kg-1", ())


def test_the_python_program_is_valid() -> None:
    ast.parse(python(STACK))


def test_both_programs_name_address_and_key() -> None:
    for program in (python(STACK), javascript(STACK)):
        assert '"http://127.0.0.1:4000/v1"' in program
        assert '"kg-1"' in program
