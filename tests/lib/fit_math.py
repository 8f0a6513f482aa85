#!/usr/bin/env python3
"""Fits the polynomials of model/cpu/math.h and prints them with their errors in float32 (needs numpy).

exp: e^r for |r| <= ln 2 / 2, by its relative error.

GELU(x) = x F(x), with F(-x) = 1 - F(x), is max(x, 0) - |x| F(-|x|).  The last term is a hump below 0.17 that is gone
beyond 5.75.  F(-a) falls as fast as a Gaussian, which needs a polynomial of high degree; its eighth root falls as slowly
as a polynomial of degree 8 or 9 can follow, and three squarings take the root back.  So no division and no exponential.

Minimax by Lawson's weights (Rice and Usow, Mathematics of Computation 22, 1968).  Coefficients are rounded to float32 one
by one, each time fitting the others again.
"""
import math

import numpy as np

ROOT = 8
LAST = 5.75


def minimax(powers, target, weight):
    """Coefficients of `powers`, a matrix, whose largest weighted distance from target is the least."""
    lawson = np.ones_like(target)
    for _ in range(200):
        rows = np.sqrt(lawson) * weight
        found = np.linalg.lstsq(powers * rows[:, None], target * rows, rcond=None)[0]
        lawson *= np.abs(weight * (powers @ found - target))
        lawson /= lawson.sum()
    return found


def fit(x, target, weight, degree):
    largest = np.abs(x).max()
    coefficients = []
    for k in range(degree + 1):
        powers = (x[:, None] / largest) ** np.arange(k, degree + 1)
        rounded = np.float32(minimax(powers, target, weight)[0] / largest**k)
        coefficients.append(rounded)
        target = target - float(rounded) * x**k
    return coefficients


def horner(coefficients, x):
    """In float32, without fused products."""
    p = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        p = p * x + c
    return p


def chebyshev_points(low, high):
    return low + (high - low) / 2 * (1 - np.cos(np.pi * np.arange(1, 4000) / 4000))


def show(name, coefficients, errors):
    print(f"{name}: {errors}")
    for k, c in enumerate(coefficients):
        print(f"  x^{k}  {float(c).hex()}f")


def exponential(degree):
    half = math.log(2) / 2
    x = chebyshev_points(-half, half)
    coefficients = fit(x, np.exp(x), np.exp(-x), degree)
    x = np.linspace(-half, half, 1000001).astype(np.float32)
    error = np.abs(horner(coefficients, x) / np.exp(x.astype(np.float64)) - 1)
    show("exp", coefficients, f"relative error {error.max():.2e}")


def normal(a):
    return np.array([math.erfc(v / math.sqrt(2)) / 2 for v in a])


def logistic(a):
    return 1 / (1 + np.exp(2 * math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)))


def gelu(name, tail, degree):
    a = chebyshev_points(0, LAST)
    root = tail(a) ** (1 / ROOT)
    coefficients = fit(a, root, ROOT * a * root ** (ROOT - 1), degree)
    x = np.linspace(-10, 10, 2000001).astype(np.float32)
    inside = np.minimum(np.abs(x), np.float32(LAST))
    got = np.float32(0.5) * (x + np.abs(x)) - inside * horner(coefficients, inside) ** ROOT
    exact = x.astype(np.float64)
    error = np.abs(got - (np.maximum(exact, 0) - np.abs(exact) * tail(np.abs(exact))))
    show(name, coefficients, f"error {error[x < 0].max():.2e} below 0, {error[np.abs(x) < 4].max():.2e} within 4, "
                             f"{error.max():.2e} within 10")


exponential(6)
gelu("gelu", normal, 8)
gelu("gelu_tanh", logistic, 9)
