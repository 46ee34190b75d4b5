"""`python save.py FOLDER`: the model as MLflow's server wants it."""

import sys
from pathlib import Path

import mlflow

code = Path(__file__).with_name("service.py")
mlflow.pyfunc.save_model(sys.argv[1], python_model=str(code), pip_requirements=[])
