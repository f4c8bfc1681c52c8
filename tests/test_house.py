"""The architecture, drawn from the code: which room may import which, and that nothing imports in a circle.

A room is a package or a module right below `runfork`. A package says in its docstring what it may import; a module there may import
what stands above it in `MODULES`. Imports count wherever they stand: within functions and for types alone, too.
"""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
CORE = REPOSITORY / "core/runfork"

MODULES = {
    "errors": (),
    "types": (),
    "advice": (),
    "time_limits": (),
    "settings": ("errors", "advice", "model", "disk"),
    "hooks": ("settings", "index"),
    "plugins": ("errors", "model", "disk", "index", "hooks", "time_limits"),
    "__main__": ("cli",),
}
"""What the modules right below `runfork` may import; `runfork` itself is the face, which knows where each public name lives."""

INTEGRATIONS = {
    "runfork_torch": {"runfork"},
    "runfork_lightning": {"runfork", "runfork_torch"},
    "runfork_hf": {"runfork", "runfork_torch"},
    "runfork_keras": {"runfork"},
}
FOR_INTEGRATIONS = {
    "advice",
    "capture",
    "disk",
    "errors",
    "hooks",
    "journal",
    "model",
    "settings",
    "training",
    "types",
    "writing",
}
"""The rooms that integrations may import: what writes, and nothing that reads."""

DEMO = "runfork_lightning.demo"
"""It shows what the command line prints, and is called by it."""


def modules_below(root):
    """Return the path of every module below an import root, by dotted name."""
    names = {}
    for path in sorted(root.rglob("*.py")):
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            continue  # environments that benchmarks of other trackers make
        dotted = ".".join(path.relative_to(root.parent).with_suffix("").parts)
        names[dotted.removesuffix(".__init__")] = path
    return names


def all_modules():
    roots = [CORE, *(next(REPOSITORY.glob(f"integrations/*/{name}")) for name in INTEGRATIONS)]
    return {name: path for root in roots for name, path in modules_below(root).items()}


def imports_of(path, known):
    """Return which of the known modules a module imports, wherever the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path} has a relative import"
            found |= {
                whole if (whole := f"{node.module}.{alias.name}") in known else node.module for alias in node.names
            }
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known.keys()


@pytest.fixture(scope="module")
def arrows():
    known = all_modules()
    return {name: imports_of(path, known) - {name} for name, path in known.items()}


def room_of(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def allowed_of(room):
    """Return what a room may import: a package says it in its docstring."""
    if room in MODULES:
        return set(MODULES[room])
    said = ast.get_docstring(ast.parse((CORE / room / "__init__.py").read_text(encoding="utf-8")))
    listed = re.search(r"It may import ([\w,\s]+)\.$", said or "")
    assert listed, f"runfork.{room} does not say what it may import"
    return None if listed.group(1) == "everything" else {name.strip() for name in listed.group(1).split(",")}


def rooms():
    folders = {path.name for path in CORE.iterdir() if (path / "__init__.py").exists()}
    return sorted(folders | {path.stem for path in CORE.glob("*.py")} - {"__init__"})


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_only_what_it_says(arrows, room):
    allowed = allowed_of(room)
    if allowed is None:
        return

    astray = {
        f"{module} -> {imported}"
        for module, targets in arrows.items()
        if module.partition(".")[0] == "runfork" and room_of(module) == room
        for imported in targets
        if room_of(imported) not in {room, *allowed}
    }

    assert astray == set()


@pytest.mark.parametrize("room", rooms())
def test_a_room_imports_all_that_it_says(arrows, room):
    allowed = allowed_of(room)

    used = {
        room_of(imported)
        for module, targets in arrows.items()
        if module.partition(".")[0] == "runfork" and room_of(module) == room
        for imported in targets
    }

    assert allowed is None or allowed - used == set()


def test_rooms_import_in_one_direction():
    below = {room: allowed_of(room) or set() for room in rooms()}

    order = list(TopologicalSorter(below).static_order())  # raises where rooms may import each other in a circle

    assert set(rooms()) == set(order)
    assert not allowed_of("writing") & {"index", "reading", "query"}
    assert "writing" not in allowed_of("reading")
    assert allowed_of("model") == {"errors", "types"}


def test_nothing_imports_in_a_circle(arrows):
    try:
        list(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


def test_the_parts_of_a_package_import_in_no_circle(arrows):
    packages = {name.rpartition(".")[0] for name in arrows if name.count(".") > 1}

    for package in packages:

        def part_of(module, package=package):
            return module.removeprefix(f"{package}.").partition(".")[0]

        inside = [name for name in arrows if name.startswith(f"{package}.")]
        parts: dict[str, set[str]] = {part_of(name): set() for name in inside}
        for name in inside:
            parts[part_of(name)] |= {part_of(target) for target in arrows[name] if target in inside} - {part_of(name)}
        try:
            list(TopologicalSorter(parts).static_order())
        except CycleError as error:
            pytest.fail(f"parts of {package} import each other in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("integration", INTEGRATIONS)
def test_an_integration_imports_core_and_nothing_beside_it(arrows, integration):
    ours = {name: targets for name, targets in arrows.items() if name.partition(".")[0] == integration}

    packages = {target.partition(".")[0] for targets in ours.values() for target in targets}
    rooms_used = {
        room_of(target)
        for name, targets in ours.items()
        if name != DEMO
        for target in targets
        if target.startswith("runfork.")
    }

    assert packages <= {*INTEGRATIONS[integration], integration}
    assert rooms_used <= FOR_INTEGRATIONS


def test_the_two_products_for_hugging_face_know_nothing_of_each_other(arrows):
    packages = {
        product: {target for name, targets in arrows.items() if name.startswith(product) for target in targets}
        for product in ("runfork_hf.trainer", "runfork_hf.accelerate")
    }

    assert not any(target.startswith("runfork_hf.accelerate") for target in packages["runfork_hf.trainer"])
    assert not any(target.startswith("runfork_hf.trainer") for target in packages["runfork_hf.accelerate"])


def test_benchmarks_import_in_no_circle():
    known = modules_below(REPOSITORY / "benchmarks")
    arrows = {name: imports_of(path, known) - {name} for name, path in known.items()}

    list(TopologicalSorter(arrows).static_order())  # raises where there is one


def test_core_imports_no_integration(arrows):
    core = {target for name, targets in arrows.items() if name.partition(".")[0] == "runfork" for target in targets}

    assert {target.partition(".")[0] for target in core} == {"runfork"}


def test_nothing_below_writing_names_the_run():
    below = {"model", "journal", "disk", "index", "capture"} | set(MODULES) - {"__main__"}
    names = {
        str(path.relative_to(CORE))
        for room in below
        for path in [*(CORE / room).rglob("*.py"), *CORE.glob(f"{room}.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Name) and node.id == "Run") or (isinstance(node, ast.alias) and node.name == "Run")
    }

    assert names == set()
