"""Walks, writes and reads many files."""

import os

total = 0
for i in range(300):
    directory = f'/work/made/{i:03}'
    os.makedirs(directory)
    for j in range(10):
        with open(f'{directory}/{j}.txt', 'w') as file:
            file.write(f'{i} {j}\n' * 50)
for directory, _, names in sorted(os.walk('/work/made')):
    for name in sorted(names):
        path = os.path.join(directory, name)
        total += os.stat(path).st_size
        with open(path) as file:
            total += sum(len(line) for line in file)
print(total)
