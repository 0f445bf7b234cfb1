*** Settings ***
Documentation       Payloads that are the kernel VM's own kernel, or the host's programs, with real
...                 packets: a bridge, a router, l3fwd.
Resource            acceptance.resource
Resource            ../payloads.resource

Suite Setup         Start A VM Between Two Ports
Suite Teardown      Tear Down Suite With Sockets


*** Variables ***
${VM}       linux


*** Test Cases ***
A Bridge Forwards
    Bridge Should Forward    ${VM}

IPv4 Is Routed
    IPv4 Should Be Routed    ${VM}

A Reset Forgets What Ran
    Run Linux Bridge In VM    ${VM}
    Reset VM    ${VM}
    Should Fail At Once    *does not run a Linux bridge*    Get Linux Bridge Stats    ${VM}
    Wait Until Keyword Succeeds    30 s    100 ms    No Bridge Is There
    Bridge Should Forward    ${VM}

L3fwd Runs Where The Host Has It
    [Documentation]    The programs of a kernel VM are the host's.
    ${host}=    Execute On Node    DUT1    which    l3fwd
    IF    ${host}[rc] == 0
        Run L3fwd In VM    ${VM}
        Stop L3fwd In VM    ${VM}
    ELSE
        Should Fail At Once    *has no program 'l3fwd': install it in the host's root file system*
        ...    Run L3fwd In VM    ${VM}
    END


*** Keywords ***
No Bridge Is There
    [Documentation]    The guest has booted anew.
    ${result}=    Execute In VM    ${VM}    ip    link    show    br0    timeout=10 s
    Should Be Equal    ${result}[rc]    ${1}

Start A VM Between Two Ports
    Set Up Suite With Sockets
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b    forward_mode=mac
    ...    extra_args=${{['--tx-ip=10.0.0.1,20.0.0.1']}}
    Start Kernel VM    ${VM}
