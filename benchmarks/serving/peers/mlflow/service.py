"""A pyfunc model from code, which MLflow's server runs when it loads the model."""

import os
from typing import Any

import mlflow
from classifier import Classifier


class Model(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.classifier = Classifier(int(os.environ["THREADS"]))

    def predict(self, model_input: list[str], params: Any = None) -> list[dict[str, Any]]:
        return self.classifier.classify(model_input)


mlflow.models.set_model(Model())
