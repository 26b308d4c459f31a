#!/usr/bin/env python3
"""native/backend/*.h as ctypes: numbers, enums, structs and tables of functions are read from the C declarations themselves.

The preprocessor of the C compiler (CC, by default cc) gives the declarations; what this parser does not understand is an error with
file and line. Pointers are void*, but for those to structs and const char*.

    bench/cuda/header.py    prints a C program whose compilation proves every size and offset"""

import ctypes
import os
import re
import subprocess
from collections import namedtuple

FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "native", "backend"))
HEADERS = ("backend.h", "cuda_plugin.h")
SCALARS = {
    **{f"int{bits}_t": getattr(ctypes, f"c_int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}_t": getattr(ctypes, f"c_uint{bits}") for bits in (8, 16, 32, 64)},
    **{"float": ctypes.c_float, "double": ctypes.c_double, "int": ctypes.c_int, "size_t": ctypes.c_size_t},
    **{"char": ctypes.c_char, "void": None, "uintptr_t": ctypes.c_size_t, "intptr_t": ctypes.c_ssize_t},
}
Token = namedtuple("Token", "text file line")
Declared = namedtuple("Declared", "name type")
WORD = re.compile(r'\s*([A-Za-z_]\w*|-?\d+[uUlL]*|"[^"]*"|[{}()\[\];,*=])')


class Struct(ctypes.Structure):
    """Made from a declaration. Fields are given by name; a name that the declaration lacks is an error, one not given is 0."""

    def __init__(self, **fields):
        unknown = set(fields) - {name for name, _ in self._fields_}
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        super().__init__(**fields)


def preprocessed(folder, headers):
    """Tokens of the declarations, and the macros, {name: number or text}, that stand in `folder` or beside it."""
    source = "".join(f'#include "{name}"\n' for name in headers)
    command = [*os.environ.get("CC", "cc").split(), "-E", "-dD", "-x", "c", f"-I{folder}", "-"]
    result = subprocess.run(command, input=source, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {result.stderr}")
    tokens, macros, file, line = [], {}, "", 0
    for text in result.stdout.splitlines():
        marker = re.match(r'# (\d+) "(.*?)"', text)
        if marker:
            file, line = marker[2], int(marker[1])
            continue
        if os.path.normpath(file).startswith(os.path.join(os.path.dirname(folder), "")):  # lists lie beside it
            if text.startswith("#"):
                macro = re.match(r'#define (\w+) (?:(-?\d+)|"(.*)")$', text)
                if macro:
                    macros[macro[1]] = macro[3] if macro[2] is None else int(macro[2])
            else:
                tokens += words(text, os.path.basename(file), line)
        line += 1
    return tokens, macros


def words(text, file, line):
    at, found = 0, []
    while text[at:].strip():
        word = WORD.match(text, at)
        if not word:
            raise SyntaxError(f"{file}:{line}: cannot read '{text[at:].strip()}'")
        found.append(Token(word[1], file, line))
        at = word.end()
    return found


class Parser:
    def __init__(self, tokens):
        self.tokens, self.at = tokens, 0
        self.types, self.structs, self.enums, self.numbers = dict(SCALARS), {}, {}, {}
        while self.at < len(tokens):
            self.declaration()

    def fail(self, expected):
        token = self.tokens[self.at] if self.at < len(self.tokens) else Token("the end", "?", 0)
        raise SyntaxError(f"{token.file}:{token.line}: expected {expected}, found '{token.text}'")

    def peek(self, text):
        return self.at < len(self.tokens) and self.tokens[self.at].text == text

    def take(self, text):
        if not self.peek(text):
            return False
        self.at += 1
        return True

    def need(self, text):
        if not self.take(text):
            self.fail(f"'{text}'")

    def name(self, what="a name"):
        if self.at >= len(self.tokens) or not re.match(r"[A-Za-z_]", self.tokens[self.at].text):
            self.fail(what)
        self.at += 1
        return self.tokens[self.at - 1].text

    def number(self):
        if self.at >= len(self.tokens) or not re.match(r"-?\d", self.tokens[self.at].text):
            self.fail("a number")
        self.at += 1
        return int(self.tokens[self.at - 1].text.rstrip("uUlL"))

    def declaration(self):
        if self.take("enum"):
            self.enumerators()
        else:
            self.need("typedef")
            if self.take("enum"):
                values = self.enumerators()
                name = self.name()
                self.types[name], self.enums[name] = ctypes.c_int, values
            elif self.peek("struct"):
                self.struct()
            else:
                declared = self.declarator(self.base())
                self.types[declared.name] = declared.type
        self.need(";")

    def enumerators(self):
        values, following = {}, 0
        self.need("{")
        while not self.take("}"):
            name = self.name()
            values[name] = self.number() if self.take("=") else following
            following = values[name] + 1
            if not self.take(",") and not self.peek("}"):
                self.fail("',' or '}'")
        self.numbers.update(values)
        return values

    def struct(self):
        self.need("struct")
        if not self.peek("{"):
            self.name()
        fields = []
        self.need("{")
        while not self.take("}"):
            base = self.base()
            fields.append(self.declarator(base))
            while self.take(","):
                fields.append(self.declarator(base))
            self.need(";")
        name = self.name()
        self.types[name] = self.structs[name] = type(name, (Struct,), {"_fields_": [tuple(field) for field in fields]})

    def base(self):
        """The type before a declarator: a known name, and whether it is const."""
        const = self.take("const")
        self.take("struct")
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        name = self.name("a type")
        if name not in self.types:
            self.at -= 1
            self.fail(f"a known type (in {token.file})")
        return self.types[name], const or self.take("const")

    def pointer(self, base):
        """The base, or what its asterisks make of it."""
        kind, const = base
        depth = 0
        while self.take("*"):
            depth += 1
            self.take("const")
        if depth == 0:
            return kind
        if depth == 1 and isinstance(kind, type) and issubclass(kind, Struct):
            return ctypes.POINTER(kind)
        return ctypes.c_char_p if kind is ctypes.c_char and const and depth == 1 else ctypes.c_void_p

    def declarator(self, base):
        kind = self.pointer(base)
        if self.take("("):
            self.need("*")
            name = self.name()
            self.need(")")
            return Declared(name, ctypes.CFUNCTYPE(kind, *self.parameters()))
        name = self.name()
        if self.take("["):
            kind = kind * self.number()
            self.need("]")
        if kind is None:
            self.fail("a type that has a size")
        return Declared(name, kind)

    def parameters(self):
        self.need("(")
        kinds = []
        while not self.take(")"):
            kind = self.pointer(self.base())
            if self.take("("):  # a function as a parameter
                self.need("*")
                self.take(")") or (self.name(), self.need(")"))
                kind = ctypes.CFUNCTYPE(kind, *self.parameters())
            elif self.at < len(self.tokens) and re.match(r"[A-Za-z_]", self.tokens[self.at].text):
                self.name()
            if kind is None and not kinds and self.take(")"):
                return []
            if kind is None:
                self.fail("a parameter that has a size")
            kinds.append(kind)
            if not self.take(",") and not self.peek(")"):
                self.fail("',' or ')'")
        return kinds


Declarations = namedtuple("Declarations", "structs enums numbers")


def read(folder=FOLDER, headers=HEADERS):
    """Structs by their names, enums {name: {enumerator: number}}, and all numbers and texts: enumerators and macros."""
    tokens, macros = preprocessed(os.path.normpath(folder), headers)
    parser = Parser(tokens)
    return Declarations(parser.structs, parser.enums, {**parser.numbers, **macros})


def assertions(declarations, headers=HEADERS):
    """A C program that compiles where the compiler lays everything out as ctypes does."""
    lines = ["#include <stddef.h>", *(f'#include "{name}"' for name in headers)]

    def same(expression, number):
        lines.append(f'_Static_assert({expression} == {number}, "{expression} is not {number}");')

    for name, struct in declarations.structs.items():
        same(f"sizeof({name})", ctypes.sizeof(struct))
        for field, _ in struct._fields_:
            same(f"offsetof({name}, {field})", getattr(struct, field).offset)
            same(f"sizeof((({name}*)0)->{field})", getattr(struct, field).size)
    for name, value in declarations.numbers.items():
        if isinstance(value, int):
            same(f"{name}", value)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(assertions(read()), end="")
