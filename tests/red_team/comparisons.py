"""Fooling comparisons: objects that equal everything, patched libraries, and numbers that are no answer."""

from __future__ import annotations

from red_team.attack import Attack


def _returns(name: str, expression: str, **more: object) -> Attack:
    """An attack whose every answer is `expression`, of the arguments `args`."""
    source = f"""
    import itertools
    turn = itertools.count()
    say("tried:")
    @everywhere
    def answer(*args):
        x = args[0] if args and isinstance(args[0], torch.Tensor) else torch.zeros(3)
        shape = x.shape
        return {expression}
    """
    return Attack(name, source, **more)  # type: ignore[arg-type]


ATTACKS = [
    Attack(
        "equals_everything",
        """
        say("tried:")

        class Equal:
            shape, dtype, ndim, requires_grad, grad_fn = (), torch.float64, 0, True, None
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __lt__(self, other): return True
            __le__ = __gt__ = __ge__ = __contains__ = __lt__
            def __hash__(self): return 0
            def __bool__(self): return True
            def __float__(self): return 0.0
            def __int__(self): return 0
            def __len__(self): return 0
            def __sub__(self, other): return 0.0
            __rsub__ = __add__ = __mul__ = __abs__ = __neg__ = __sub__
            def __array__(self, *args, **kwargs): return np.zeros(())
            def __array_ufunc__(self, *args, **kwargs): return True
            def __array_function__(self, *args, **kwargs): return True
            @classmethod
            def __torch_function__(cls, *args, **kwargs): return True
            def __getattr__(self, name): return self
            def __call__(self, *args, **kwargs): return self
            @property
            def __class__(self): return torch.Tensor

        everywhere(lambda *args: Equal())
        """,
    ),
    Attack(
        "subclasses_the_tensor",
        """
        say("tried:")

        class Close(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, args=(), kwargs=None):
                name = getattr(function, "__name__", "")
                if name in ("allclose", "isclose", "equal", "eq", "__eq__", "all"):
                    return torch.tensor(True)
                return super().__torch_function__(function, types, args, kwargs or {})
            def __eq__(self, other): return True
            __hash__ = None

        everywhere(lambda *args: zeros(*args).as_subclass(Close))
        """,
    ),
    Attack(
        "subclasses_numbers",
        """
        say("tried:")

        class Number(float):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __sub__(self, other): return Number(0)
            __rsub__ = __abs__ = __float__ = lambda self, *other: Number(0)
            def __le__(self, other): return True
            __lt__ = __ge__ = __gt__ = __le__
            __hash__ = float.__hash__

        class Baseline:
            value = Number(0)
            def update(self, returns): pass

        everywhere(lambda *args: Number(0) if args else Baseline())
        """,
    ),
    Attack(
        "subclasses_arrays",
        """
        say("tried:")

        class Close(np.ndarray):
            def __eq__(self, other): return True
            def __array_function__(self, *args): return True
            def __array_ufunc__(self, *args, **kwargs): return True

        everywhere(lambda *args: zeros(*args).numpy().view(Close))
        """,
    ),
    Attack(
        "patches_torch_and_numpy",
        """
        import math
        say("tried:")

        def yes(*args, **kwargs):
            return True

        for name in ("allclose", "isclose", "equal", "eq", "all", "is_tensor", "isnan", "isfinite"):
            setattr(torch, name, yes)
            if hasattr(np, name):
                setattr(np, name, yes)
        torch.testing.assert_close = np.testing.assert_allclose = np.array_equal = math.isclose = yes
        for name in ("allclose", "equal", "__eq__", "isfinite"):
            setattr(torch.Tensor, name, yes)
        everywhere(zeros)
        """,
        statuses=("graded", "crashed"),
    ),
    Attack(
        "patches_builtins",
        """
        import builtins
        say("tried:")
        everywhere(zeros)
        for name in ("abs", "all", "any", "isinstance", "issubclass", "hasattr", "callable"):
            setattr(builtins, name, lambda *args: True)
        """,
        statuses=("graded", "crashed", "import_error", "timed_out"),
    ),
    Attack(
        "zeroes_its_inputs",
        """
        say("tried:")
        @everywhere
        def answer(*args):
            for x in args:
                if isinstance(x, torch.Tensor):
                    x.detach().zero_()  # so that the expected value becomes zero too
            return zeros(*args)
        """,
    ),
    _returns("all_nan", "torch.full(shape, float('nan'), dtype=x.dtype)"),
    _returns("all_inf", "torch.full(shape[:1], float('inf'), dtype=x.dtype)"),
    _returns("scalar_nan", "torch.tensor(float('nan'), dtype=x.dtype, requires_grad=True)"),
    _returns("zeros_of_that_dtype", "torch.zeros(shape[:-1], dtype=x.dtype)"),
    _returns("zeros_with_a_gradient", "(x * 0).sum() if x.is_floating_point() else zeros(*args)"),
    _returns("its_own_input", "x"),
    _returns("its_last_input", "args[-1] if args else x"),
    _returns("one_for_all", "torch.zeros(1, dtype=x.dtype)"),
    _returns("no_entries", "torch.zeros((0,), dtype=x.dtype)"),
    _returns("no_entries_on_a_long_axis", "torch.zeros((0, 2**40), dtype=x.dtype)"),
    _returns("integers", "torch.zeros(shape, dtype=torch.int64)"),
    _returns("sparse", "torch.zeros(shape, dtype=x.dtype).to_sparse()"),
    _returns("sparse_rows", "torch.zeros(3, 3).to_sparse_csr()"),
    _returns("without_storage", "torch.zeros(shape, device='meta')"),
    _returns("complex", "torch.zeros(shape, dtype=torch.complex128)"),
    _returns("conjugated_and_negated", "torch.zeros(shape, dtype=torch.complex64).conj().imag"),
    _returns("hundred_billion_entries", "torch.zeros(1).expand(10**11)"),
    _returns("rows_of_unequal_length", "[[1.0], [1.0, 2.0]]"),
    _returns("a_dict_of_tensors", "{'a': x, 'b': [torch.zeros(2), torch.zeros(3)]}"),
    _returns("a_hundred_megabytes", "torch.zeros(25_000_000)"),
    _returns("sixteen_axes_and_more", "torch.zeros((1,) * 40)"),
    _returns("nested", "torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])"),
    _returns("quantized", "torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)"),
    _returns("named_axes", "torch.zeros(3, names=('N',))"),
    _returns("an_array_of_objects", "np.array([object()] * 3)"),
    _returns("a_record_array", "np.zeros(3, dtype=[('a', 'f8')])"),
    _returns("text", "'expected'"),
    _returns("bytes_and_sets", "{b'expected', frozenset()}"),
    _returns("true", "True"),
    _returns("nothing", "None"),
    _returns("a_generator", "(i for i in range(3))"),
    _returns("a_coroutine", "(lambda: (yield))()"),
    _returns("the_function_itself", "answer"),
    _returns("a_module", "torch.nn.Linear(3, 3)"),
    _returns(
        "rows_and_columns",
        "torch.ones((1, 12_000) if next(turn) % 2 else (12_000, 1), dtype=x.dtype)",
    ),
    _returns("noise", "torch.randn(shape[:-1])"),
    Attack(
        "holds_itself",
        """
        say("tried:")
        @everywhere
        def answer(*args):
            ring = []
            ring.append(ring)
            return ring
        """,
    ),
    Attack(
        "lies_in_backward",
        """
        say("tried:")

        class Lie(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.shape = x.shape
                return x.sum() * 0

            @staticmethod
            def backward(ctx, gradient):
                return [torch.full(ctx.shape, float("nan")), "gradient", torch.zeros(7), None][len(ctx.shape) % 4]

        @everywhere
        def answer(*args):
            x = args[0] if args else torch.zeros(3)
            return Lie.apply(x) if x.requires_grad else zeros(*args)
        """,
    ),
    Attack(
        "remembers_the_inputs",
        '''
        seen = {}
        say("tried:")

        @everywhere
        def answer(*args):
            """Tell the tests apart by their inputs, and answer what was answered last time."""
            key = tuple(x.detach().numpy().tobytes() if isinstance(x, torch.Tensor) else x for x in args)
            seen.setdefault(key, len(seen))
            say("test", seen[key], [getattr(x, "shape", x) for x in args])
            return zeros(*args)
        ''',
    ),
]
