"""Reads lines and prints each with its number, in capitals: `lines`; or prints
so many lines of its own: `lines COUNT`. How many there were goes to standard
error."""

import sys


def transform():
    count = 0
    for count, line in enumerate(sys.stdin, 1):
        print(count, line.rstrip('\n').upper(), flush=True)
    return count


def produce(count):
    sys.stdout.write(''.join(f'line {number}\n' for number in range(count)))
    return count


count = produce(int(sys.argv[1])) if len(sys.argv) > 1 else transform()
sys.stdout.flush()
print(count, 'lines', file=sys.stderr)
