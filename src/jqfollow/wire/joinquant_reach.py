"""Where a strategy and its helper files keep JoinQuant's order functions."""


class _JqFollowReach:
    """Puts telling functions in the place of JoinQuant's own, in every module that holds them."""

    import functools
    import sys

    scanned = set()  # names of modules that were looked through

    @classmethod
    def reach(cls, originals, wrap, own, platform):
        """Replaces `originals` (id: name) by what `wrap(function, name)` gives; returns what holds them out of reach.

        `own` is the strategy's globals. Packages named in `platform`, JoinQuant's own, are left alone: what is defined
        there is pickled by its name.
        """
        places, unreached = [("", own)], []
        for name, module in list(cls.sys.modules.items()):
            namespace = getattr(module, "__dict__", None)
            if name not in cls.scanned and namespace is not own and isinstance(namespace, dict):
                cls.scanned.add(name)
                places += [] if name.partition(".")[0] in platform else [(name + ".", namespace)]
        for prefix, namespace in places:
            held = [key for key, value in list(namespace.items()) if id(value) in originals]
            if held or namespace is own:
                deeper = [(prefix + str(key), value) for key, value in list(namespace.items()) if key not in held]
                if namespace is own:
                    kept = getattr(own.get("g"), "__dict__", {})
                    cls.mend(kept, originals, wrap)
                    deeper += [("g." + key, value) for key, value in list(kept.items())]
                for name, value in deeper:
                    unreached += cls.inside(name, value, originals, wrap, namespace)
            for key in held:
                namespace[key] = wrap(namespace[key], originals[id(namespace[key])])
        return unreached

    @classmethod
    def inside(cls, name, value, originals, wrap, namespace):
        """Lists, dictionaries and the strategy's own objects and classes are mended; what else holds one is named."""
        kind, home = type(value), namespace.get("__name__")
        if "jqfollow" in (kind.__name__ + str(getattr(value, "__name__", ""))).lower():
            return []
        if kind is dict:
            cls.mend(value, originals, wrap)
        elif kind is list:
            for n, held in enumerate(value[:1000]):
                if id(held) in originals:
                    value[n] = wrap(held, originals[id(held)])
        elif isinstance(value, type) and value.__module__ == home:
            return [name + "." + key for key in cls.in_class(value, originals, wrap)]
        elif cls.holds(value, originals):
            return [name]
        elif kind.__module__ == home or name.startswith("g."):
            cls.mend(getattr(value, "__dict__", None) or {}, originals, wrap)
        return []

    @classmethod
    def holds(cls, value, originals):
        """Whether a value that cannot be mended has taken one along: a tuple, a partial, a function's own names."""
        kind, held = type(value), ()
        if kind in (tuple, set, frozenset):
            held = list(value)[:1000]
        elif kind is cls.functools.partial:
            held = (value.func,)
        elif kind is type(cls.of_function):
            held = cls.of_function(value)
        return bool([one for one in held if id(one) in originals])

    @staticmethod
    def in_class(owner, originals, wrap):
        """Mends the static methods of a class; gives the names of what would be bound to an object when called."""
        bound = []
        for key, held in list(vars(owner).items()):
            function = getattr(held, "__func__", held)
            if id(function) in originals and isinstance(held, staticmethod):
                setattr(owner, key, staticmethod(wrap(function, originals[id(function)])))
            elif id(function) in originals:
                bound.append(key)
        return bound

    @classmethod
    def mend(cls, held, originals, wrap):
        for key, value in list(held.items()):
            if id(value) in originals:
                held[key] = wrap(value, originals[id(value)])

    @staticmethod
    def of_function(function):
        """What a function has taken along: defaults, and names of the function around it."""
        held = list(function.__defaults__ or ()) + list((function.__kwdefaults__ or {}).values())
        for cell in function.__closure__ or ():
            try:
                held.append(cell.cell_contents)
            except ValueError:  # not filled yet
                continue
        return held
