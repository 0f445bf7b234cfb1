*** Settings ***
Documentation       What keywords of the real server leave in Robot's log. Run by tests/protocol/test_log.py, which gives
...                 the URL and looks at the log.
Library             Remote    ${URL}    AS    Server

*** Variables ***
${URL}              http://127.0.0.1:8270

*** Test Cases ***
A Node Is Shown As Tables
    ${info}=    Server.Get Node Info
    Should Not Be Empty    ${info}[cpus]

A Plan Is Shown As Tables
    ${plan}=    Server.Plan NF Chains    chains=2    nodes_per_chain=2
    Length Should Be    ${plan}[vms]    4

A Failed Start Links The Console Log
    [Documentation]    FAIL    GLOB: Start Kernel VM: VM 'nf1': *
    [Tags]    expected
    Server.Start Kernel VM    nf1    memory=256    timeout=2 seconds

A Clean Up That Fails Lets The Test Go On
    [Documentation]    FAIL    GLOB: Several failures occurred:\n\n1) *unknown VM 'ghost1'*2) *unknown VM 'ghost2'*
    [Tags]    expected
    Server.Stop VM    ghost1
    Server.Stop Testpmd In VM    ghost2
    Log    went on
