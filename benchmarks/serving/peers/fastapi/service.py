"""The endpoint most people write first: a plain function, which FastAPI runs in its threads."""

from typing import Any

from classifier import Classifier
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
classifier = Classifier()


class Request(BaseModel):
    texts: list[str]


@app.post("/predict")
def predict(request: Request) -> dict[str, Any]:
    return {"predictions": classifier.classify(request.texts)}
