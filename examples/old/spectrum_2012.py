"""The strongest tone of a signal, as one wrote it in 2012 for Python 2."""

import string
from itertools import izip

import numpy as np
from cStringIO import StringIO

rate = 1000
time = np.arange(rate) / float(rate)
signal = np.sin(2 * np.pi * 50 * time) + 0.3 * np.sin(2 * np.pi * 120 * time)
power = np.abs(np.fft.rfft(signal)) ** 2

table = StringIO()
print >>table, "tone power"
for name, place in izip(string.letters, power.argsort()[::-1][:2]):
    print >>table, "%s %d Hz" % (name, place)
print table.getvalue().splitlines()[1]
