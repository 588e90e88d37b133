"""Which classifier knows irises best? Written for the scikit-learn of 2015."""

from __future__ import print_function

import numpy as np
from sklearn import datasets
from sklearn.cross_validation import StratifiedKFold, train_test_split
from sklearn.externals import joblib
from sklearn.grid_search import GridSearchCV
from sklearn.svm import SVC

iris = datasets.load_iris()
features, species = iris.data, iris.target.astype(np.int)
train, test, train_species, test_species = train_test_split(features, species, test_size=0.4, random_state=0)

folds = StratifiedKFold(train_species, n_folds=3)
search = GridSearchCV(SVC(), {"C": [1, 10, 100], "gamma": [0.01, 0.1]}, cv=folds)
search.fit(train, train_species)
joblib.dump(search.best_estimator_, "/dev/null")
print("best: C={C} gamma={gamma}".format(**search.best_params_))
print("right: %d of %d" % ((search.predict(test) == test_species).sum(), len(test)))
