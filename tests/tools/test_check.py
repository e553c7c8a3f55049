"""tools/check finds what it should: a small tree that is in order, then one fault at a time."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "tools/check"

ARCHITECTURE = """# Architecture
| floor | folder | what it is |
|---|---|---|
| 0 | `base/` | lowest |
| 1 | `policy/`, `store/` | side by side |
| 2 | `io/`, `sim/` | two worlds |

<!-- modules -->
```
base/a      first
base/b      second
policy/p    a rule
store/s.h   a contract
store/t     behind it
store/v     so is this
store/s     fulfils it
io/w        the world
sim/v*      another
```
<!-- modules -->
"""

GOOD = {
    "docs/ARCHITECTURE.md": ARCHITECTURE,
    "src/base/a.h": "#pragma once\n",
    "src/base/b.h": '#pragma once\n#include "base/a.h"\n',
    "src/base/b.c": '#include "base/b.h"\n\n/* system("no call") */\nstatic const char *words = "strcpy(a, b)";\n',
    "src/base/text_rows.h": 'TEXT(HELLO, "hello {name}", "bonjour {name}\u00a0: l’avis «\u00a0ici\u00a0»")\n',
    "src/policy/p.h": '#pragma once\n#include "base/b.h"\n',
    "src/store/s.h": "#pragma once\n",
    "src/store/t.h": '#pragma once\n#include "store/s.h"\n',
    "src/store/v.h": "#pragma once\n",
    "src/store/s.c": '#include "store/s.h"\n#include "store/t.h"\n',
    "src/io/w.h": "#pragma once\n",
    "src/io/w_work.h": '#pragma once\n#include "io/w.h"\n',
    "src/io/w_part.c": '#include "io/w.h"\n#include <unistd.h>\n\nvoid part(void)\n{\n    time(NULL);\n}\n',
    "src/sim/v.h": "#pragma once\n",
    "src/sim/v_part.h": "#pragma once\n",
    "tests/base/test_b.c": "void test(void)\n{\n    assert_true(1);\n}\n",
    "tests/base/meson.build": "base_tests = {'b': files('test_b.c')}\n",
    "src/base/meson.build": "base_sources = files('b.c')\n",
    "src/store/meson.build": "store_sources = files('s.c')\n",
    "src/io/meson.build": "io_sources = files('w_part.c')\n",
    "meson.build": "",
}
GOOD["docs/ARCHITECTURE.md"] = ARCHITECTURE.replace("base/b      second", "base/b      second\nbase/text_rows  sentences")


def long_function(lines):
    return "void f(void)\n{\n" + "    g();\n" * lines + "}\n"


class Check(unittest.TestCase):
    def run_tree(self, tree):
        """The lines that the check prints about a tree."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in tree.items():
                path = Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, CHECK, root], stdout=subprocess.PIPE, text=True, encoding="utf-8")
            lines = done.stdout.splitlines()
            self.assertEqual(done.returncode, 1 if len(lines) > 1 else 0, done.stdout)
            return lines[:-1]

    def finds(self, name, text, *words):
        """With `name` containing `text` there is one finding, in which all the words stand."""
        lines = self.run_tree({**GOOD, name: text})
        self.assertEqual(len(lines), 1, lines)
        for word in words:
            self.assertIn(word, lines[0])

    def test_good_tree(self):
        self.assertEqual(self.run_tree(GOOD), [])

    def test_floor_above(self):
        self.finds("src/base/a.h", '#pragma once\n#include "io/w.h"\n', "src/base/a.h:2", "not on a floor below")

    def test_same_floor(self):
        self.finds("src/policy/p.h", '#include "store/s.h"\n', "src/policy/p.h:1", "[floor]")

    def test_no_folder(self):
        self.finds("src/policy/p.h", '#include "p2.h"\n', "[floor]")

    def test_order(self):
        self.finds("src/base/a.h", '#pragma once\n#include "base/text_rows.h"\n', "[order]", "base/text_rows stands behind base/a")

    def test_contract_before_its_file(self):
        self.finds("src/store/s.h", '#include "store/v.h"\n', "[order]")

    def test_cycle(self):
        lines = self.run_tree({**GOOD, "src/base/a.h": '#include "base/b.h"\n'})
        self.assertTrue(any("[cycle]" in line and "base/b.h" in line for line in lines), lines)

    def test_not_listed(self):
        self.finds("src/store/new.h", '#include "store/t.h"\n', "src/store/new.h:1", "behind store/t")

    def test_part_only_where_listed(self):
        self.finds("src/base/a_part.h", "#pragma once\n", "[list]")

    def test_listed_without_file(self):
        self.finds("docs/ARCHITECTURE.md", GOOD["docs/ARCHITECTURE.md"].replace("sim/v*", "sim/u  gone\nsim/v*"), "sim/u", "[list]")

    def test_banned(self):
        self.finds("src/io/w_part.c", 'void f(void)\n{\n    strcpy(a, b);\n}\n', "src/io/w_part.c:3", "calls strcpy")

    def test_world_below_io(self):
        self.finds("src/policy/p.h", "static inline int f(void)\n{\n    return open(a, 0);\n}\n", "src/policy/p.h:3", "calls open")
        self.finds("src/policy/p.h", "#include <sys/socket.h>\n", "[world]")
        self.finds("src/policy/p.h", "static inline int f(void)\n{\n    return getrandom(a, 1, 0);\n}\n", "base/random")

    def test_member_of_that_name(self):
        self.assertEqual(self.run_tree({**GOOD, "src/policy/p.h": "static inline int f(void)\n{\n    return d->open(a);\n}\n"}), [])

    def test_sim_has_no_clock(self):
        self.finds("src/sim/v.h", "static inline long f(void)\n{\n    return time(NULL);\n}\n", "calls time")

    def test_function_length(self):
        self.assertEqual(self.run_tree({**GOOD, "src/base/b.c": long_function(67)}), [])
        self.finds("src/base/b.c", long_function(68), "src/base/b.c:1", "f has 71 lines")

    def test_file_length(self):
        self.finds("src/base/b.c", "int x;\n" * 701, "701 lines")

    def test_exception(self):
        tree = {**GOOD, "src/base/b.c": long_function(68)}
        self.assertEqual(self.run_tree({**tree, "tools/exceptions": "function-length src/base/b.c:f a table\n"}), [])
        lines = self.run_tree({**GOOD, "tools/exceptions": "function-length src/base/b.c:f a table\n"})
        self.assertIn("nothing there needs it", lines[0])
        lines = self.run_tree({**tree, "tools/exceptions": "function-length src/base/b.c:f\n"})
        self.assertIn("three fields", "".join(lines))

    def test_marks(self):
        self.finds("src/base/b.c", "/* TO" + "DO: later */\n", "[mark]")

    def test_french(self):
        row = 'TEXT(A, "a", "%s")\n'
        for text, word in [("l'avis", "apostrophe"), ("ici : la", "before :"), ("ici: la", "before :"), ("quoi ?", "before ?"),
                           ("« ici\u00a0»", "behind «"), ("«\u00a0ici »", "before »"), ("un; deux", "before ;")]:
            self.finds("src/base/text_rows.h", row % text, word)
        for text in ["voir https://a.example/b?c=d", "à 10:30", "{a:b}", "quoi\u202f?!", "`SmartHost: x`"]:
            self.assertEqual(self.run_tree({**GOOD, "src/base/text_rows.h": row % text}), [], text)

    def test_places(self):
        self.finds("src/base/text_rows.h", 'TEXT(A, "a {x}", "a {y}")\n', "places in braces")

    def test_row_twice(self):
        self.finds("src/base/text_rows.h", 'TEXT(A, "a", "a")\nTEXT(A, "b", "b")\n', "twice")

    def test_mirror(self):
        self.finds("tests/base/test_b.c", "void test(void)\n{\n}\n", "asserts nothing")

    def test_dash(self):
        self.finds("docs/X.md", "so \u2014 so\n", "em dash")


if __name__ == "__main__":
    unittest.main()
