"""Reads what callgrind wrote: instructions by object and by function, and how often functions were called."""

import collections
import re

REFERENCE = re.compile(r"\((\d+)\)(?: (.*))?")


class Profile:
    def __init__(self, path):
        self.total = 0
        self.by_object = collections.Counter()
        self.by_function = collections.Counter()
        # With everything they call; what calls itself counts more than once.
        self.inclusive = collections.Counter()
        self.calls = collections.Counter()
        names = {"ob": {}, "fn": {}}

        def resolve(kind, text):
            match = REFERENCE.match(text)
            if not match:
                return text
            if match[2] is not None:
                names[kind][match[1]] = match[2]
            return names[kind][match[1]]

        current_object = current_function = called = ""
        skip = False
        for line in open(path, errors="replace"):
            line = line.rstrip("\n")
            if skip:
                # The cost line behind `calls=` is the callee's with all that it calls, and its own part is counted there.
                self.inclusive[called] += int(line.split()[1])
                skip = False
            elif line[:1] in "0123456789+-*" and " " in line:
                cost = int(line.split()[1])
                self.total += cost
                self.by_object[current_object] += cost
                self.by_function[current_function] += cost
            elif line.startswith("fn="):
                current_function = resolve("fn", line[3:])
            elif line.startswith("ob="):
                current_object = resolve("ob", line[3:])
            elif line.startswith("cfn="):
                called = resolve("fn", line[4:])
            elif line.startswith("cob="):
                resolve("ob", line[4:])
            elif line.startswith("calls="):
                self.calls[called.split("'")[0]] += int(line[6:].split()[0])
                skip = True

    def instructions_in(self, *objects):
        return sum(cost for name, cost in self.by_object.items() if any(part in name for part in objects))

    def calls_of(self, *functions):
        return sum(self.calls[name] for name in functions)
