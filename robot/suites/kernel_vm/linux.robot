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
Start A VM Between Two Ports
    Set Up Suite With Sockets
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b    forward_mode=mac
    ...    extra_args=${{['--tx-ip=10.0.0.1,20.0.0.1']}}
    Start Kernel VM    ${VM}
