"""A product and a sum rounded once, as `daxpy` of most BLAS libraries does them.

scikit-learn folds the averaged weights with `daxpy` (utils/_weight_vector.pyx.tp, `reset_wscale`).
Where the processor has a fused multiply-add, the library uses it, and the last bit is another.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.linalg.blas import daxpy

from pgpredict_transpiler.learning.text import Product, number

VARIABLES = ("f_p", "f_e", "f_s", "f_t", "f_u", "f_v", "f_w", "f_z")


@cache
def fuses(count: int) -> bool:
    """Whether `daxpy` rounds once on the machine at hand.

    Args:
        count: the length of the vectors; a library may treat the last few numbers differently.
    """
    near_one = 1.0 + 2.0**-30  # its square needs 60 bits; the sum is the last of them
    found = daxpy(np.full(count, near_one), np.full(count, -(1.0 + 2.0**-29)), a=near_one)
    return bool(np.all(found != 0.0))


def multiply_add(target: str, factor: str, value: str, product: Product) -> str:
    """Statements for ``target := factor * value + target``, rounded once.

    Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using
    rounding to odd", 2008. Each pair of variables holds a number and what rounding it left out.

    Args:
        target: a variable or an element of an array.
        factor: likewise.
        value: likewise.
        product: how to multiply.
    """
    split = number(134217729)  # 2^27 + 1 cuts a float8 in two halves (Veltkamp)
    up = number(2.0**-53 + 2.0**-105)  # this part of a number is just over half its last digit
    return f"""
-- f_p + f_e = {factor} * {value}
f_p := {product(factor, value)};
f_s := {split} * {factor};
f_s := f_s - (f_s - {factor});
f_t := {factor} - f_s;
f_u := {split} * {value};
f_u := f_u - (f_u - {value});
f_v := {value} - f_u;
f_e := {product("f_s", "f_u")} - f_p;
f_e := f_e + {product("f_s", "f_v")};
f_e := f_e + {product("f_t", "f_u")};
f_e := f_e + {product("f_t", "f_v")};
-- f_s + f_t = {target} + f_e
f_s := {target} + f_e;
f_z := f_s - {target};
f_t := ({target} - (f_s - f_z)) + (f_e - f_z);
-- f_u + f_v = f_p + f_s
f_u := f_p + f_s;
f_z := f_u - f_p;
f_v := (f_p - (f_u - f_z)) + (f_s - f_z);
-- f_w = f_t + f_v, rounded to an odd last digit where it is not exact
f_w := f_t + f_v;
f_z := f_w - f_t;
f_z := (f_t - (f_w - f_z)) + (f_v - f_z);
IF f_z <> 0 AND get_byte(float8send(f_w), 7) & 1 = 0 THEN
  f_z := sign(f_z) * sign(f_w) * {up};
  f_w := f_w + {product("f_w", "f_z")};
END IF;
{target} := f_u + f_w;
""".strip()
