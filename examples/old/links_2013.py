# -*- coding: utf-8 -*-
"""The links of a page, as one collected them in 2013 for Python 2."""

import urllib2
from urlparse import urljoin

import lxml.etree
import requests
from bs4 import BeautifulSoup

PAGE = u"<ul><li><a href='/a'>erste</a><li><a href='b'>übernächste</a></ul>"


def fetch(url):
    try:
        return requests.get(url, timeout=5).text
    except requests.RequestException, error:
        print "requests gave up: %s" % error
        return urllib2.urlopen(url).read()


soup = BeautifulSoup(PAGE, "lxml")
links = [urljoin("http://example.org/x/", link["href"]) for link in soup.find_all("a")]
for link in links:
    print link, lxml.etree.LXML_VERSION[0] > 2
