*** Settings ***
Documentation       One of two suites that pabot runs at the same time against one server.
Resource            parallel.resource
Suite Teardown      End Suite    first


*** Test Cases ***
Chains Start Beside Those Of The Other Suite
    Start And Compare    first

Each Suite Ends Its Own Chains Only
    Leave Others Alone    first    first=${True}

The Numbers Are Free Again
    Start And Compare    first
