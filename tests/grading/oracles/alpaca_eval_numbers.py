"""Writes alpaca_eval_numbers.json: what alpaca-eval says of the made-up judgements of tests/grading/judged_pairs.py.

Not run by the tests, which read the file. In an environment of its own, from the repository's root:

    pip install alpaca-eval==0.6.6 patsy 'scikit-learn==1.9.1' 'numpy==2.4.6' 'pandas==3.1.1' 'setuptools<81'
    PYTHONPATH=src:. python tests/grading/oracles/alpaca_eval_numbers.py

alpaca-eval reads files that genlab wrote. Its download of df_gamed.csv is replaced by a made-up file, and beside its own
tolerance of liblinear, 1e-4, it is run with one of 1e-10; nothing else of it is touched.
"""

import importlib
import json
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.grading.judged_pairs import CASES, judged, write_gamed

from genlab.grading.annotations import write_annotations

HERE = Path(__file__).parent


def main() -> None:
    warnings.simplefilter("ignore")
    pandas = importlib.import_module("pandas")
    regression: Any = importlib.import_module("alpaca_eval.metrics.glm_winrate")
    analyze = importlib.import_module("alpaca_eval.analyze")
    fitted: list[Any] = []
    fit = regression.fit_LogisticRegressionCV

    def kept(*values: Any, **names: Any) -> Any:
        fitted.append(fit(*values, **names))
        return fitted[-1]

    regression.fit_LogisticRegressionCV = kept
    numbers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (n, law, glm) in CASES.items():
            gamed, file = Path(folder) / "df_gamed.csv", Path(folder) / "annotations.json"
            write_gamed(gamed, n, name)
            write_annotations(file, judged(n, law, name))
            regression.hf_hub_download = lambda gamed=gamed, **_: str(gamed)
            found: dict[str, Any] = {}
            extreme, metrics = False, {}
            for tolerance in (None, 1e-10):
                info = dict(regression.GLM_INFO[glm])
                if tolerance is not None:
                    info["kwargs"] = info["kwargs"] | {"tol": tolerance, "max_iter": 100}
                table = pandas.read_json(file)
                metrics = regression.get_length_controlled_winrate(
                    table, glm_name=glm, glm_info=info, save_weights_dir=None, is_warn_extreme_changes=False
                )
                length_controlled = {
                    "length_controlled_winrate": float(metrics.pop("length_controlled_winrate")),
                    "lc_standard_error": float(metrics.pop("lc_standard_error")),
                    "coefficients": fitted[-1].coef_[0].tolist(),
                    "C": float(fitted[-1].C_[0]),
                    "scores": fitted[-1].scores_[1].sum(0).ravel().tolist(),
                    "glm_preference": table["glm_preference"].tolist()[:5],
                }
                found["as it is" if tolerance is None else "tight"] = length_controlled
                extreme = regression.get_is_extreme_changes(metrics["win_rate"], length_controlled["length_controlled_winrate"])
            found["extreme"] = bool(extreme)
            found["metrics"] = {key: float(value) for key, value in metrics.items()}
            keyless = type("Keyless", (), {"keys": ["instruction"], "annotation_key": "preference"})()
            biases = analyze.Analyzer.get_length_biases(keyless, pandas.read_json(file))
            found["probability_prefer_longer"] = float(biases["probability_prefer_longer"])
            numbers[name] = found
    packages = ("alpaca-eval", "scikit-learn", "numpy", "pandas", "scipy")
    whole = {"versions": {each: version(each) for each in packages}, "cases": numbers}
    (HERE / "alpaca_eval_numbers.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
