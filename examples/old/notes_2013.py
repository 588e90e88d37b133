"""A page of notes, with the Flask of 2013."""

from flask import Flask, Markup, render_template_string
from flask.ext.wtf import Form
from wtforms import TextField

app = Flask(__name__)
app.secret_key = "notes"


class Note(Form):
    text = TextField("Note")


@app.route("/")
def page():
    return render_template_string("<h1>{{ title }}</h1>{{ form.text }}", title=Markup("Notes"), form=Note())


if __name__ == "__main__":
    print(app.test_client().get("/").status)
