"""What the bench found: rows for a CSV, tables on standard output, and which goals are met."""
import csv


def table(head, rows):
    """Columns as wide as they must be; the first one to the left, figures to the right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(map(len, column)) for column in zip(*cells)]
    for row in cells:
        print("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip(), flush=True)


class Results:
    COLUMNS = ["section", "case", "threads", "contestant", "metric", "value"]

    def __init__(self):
        self.rows, self.goals = [], []

    def add(self, section, case, threads, contestant, metric, value):
        self.rows.append([section, case, threads, contestant, metric, value])

    def find(self, section, case, threads, contestant, metric):
        """None where it was not measured."""
        key = [section, case, threads, contestant, metric]
        return next((row[-1] for row in self.rows if row[:-1] == key), None)

    def series(self, section, metric):
        """{contestant: [(case, value)]} in the order of measuring."""
        found = {}
        for row_section, case, _, contestant, row_metric, value in self.rows:
            if (row_section, row_metric) == (section, metric):
                found.setdefault(contestant, []).append((case, value))
        return found

    def goal(self, what, value, least=None, most=None, unit=""):
        """`value` None: nothing was measured."""
        wanted = f"at least {least:g}{unit}" if most is None else f"at most {most:g}{unit}"
        if value is None:
            self.goals.append([what, "-", wanted, "not here"])
            return
        met = value >= least if most is None else value <= most
        self.goals.append([what, f"{value:.2f}{unit}", wanted, "met" if met else "NOT MET"])

    def write_csv(self, path):
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(self.COLUMNS)
            writer.writerows(self.rows)

    def print_goals(self):
        if self.goals:
            table(["goal", "measured", "wanted", ""], self.goals)
