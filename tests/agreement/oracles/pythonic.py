"""Run by the tools' own Python: `pythonic.py TOOL < files.json`; one JSON line per file of [name, line, last, number]."""

import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")  # of escapes in the packages that are measured


def radon(path, text):
    from radon.visitors import ComplexityVisitor

    # Closures and the functions of inner classes are listed with the one around them.
    visitor = ComplexityVisitor.from_code(text)
    pending = [*visitor.functions, *visitor.classes]
    while pending:
        block = pending.pop()
        if hasattr(block, "inner_classes"):
            pending += [*block.methods, *block.inner_classes]
        else:
            pending += block.closures
            yield block.name, block.lineno, block.endline, block.complexity


def lizard(path, text):
    import lizard

    for function in lizard.analyze_file.analyze_source_code(path, text).function_list:
        yield function.name, function.start_line, function.end_line, function.cyclomatic_complexity


def complexipy(path, text):
    import complexipy

    for function in complexipy.code_complexity(text).functions:
        yield function.name.split("::")[-1], function.line_start, function.line_end, function.complexity


def cognitive_complexity(path, text):
    from cognitive_complexity.api import get_cognitive_complexity

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, node.end_lineno, get_cognitive_complexity(node)


def maintainability(path, text):
    from radon.metrics import mi_parameters, mi_visit

    yield "", 1, 1, [mi_visit(text, True), *mi_parameters(text)]


tool = {
    "radon": radon,
    "lizard": lizard,
    "complexipy": complexipy,
    "cognitive_complexity": cognitive_complexity,
    "mi": maintainability,
}[sys.argv[1]]
for path in json.load(sys.stdin):
    try:
        with open(path, encoding="utf-8", newline="") as file:
            found = list(tool(path, file.read()))
    except Exception as reason:  # another program's code: what it cannot read is told
        found = repr(reason)
    print(json.dumps([path, found]), flush=True)
