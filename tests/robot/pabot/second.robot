*** Settings ***
Documentation       One of two suites that pabot runs at the same time against one server.
Resource            parallel.resource
Suite Teardown      End Suite    second


*** Test Cases ***
Chains Start Beside Those Of The Other Suite
    Start And Compare    second

Each Suite Ends Its Own Chains Only
    Leave Others Alone    second    first=${False}

The Numbers Are Free Again
    Start And Compare    second
