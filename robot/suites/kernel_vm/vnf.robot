*** Settings ***
Documentation       Payloads that a kernel VM has from its start on, beside testpmd: they run when the
...                 start returns, and a start whose payload fails leaves nothing.
Resource            acceptance.resource

Suite Setup         Set Up Suite With Sockets
Suite Teardown      Tear Down Suite With Sockets
Test Teardown       Kill All And Check


*** Variables ***
# VPP is not in Debian: a script that prints what VPP prints stands in for it.
${VPP}              SEPARATOR=\n
...                 \#!/bin/sh
...                 cat "$2" /run/vpp/vpp.exec >/run/seen
...                 echo 'vpp v22.10-release built by root on stand-in'
...                 while :; do sleep 1; done
${VPPCTL}           SEPARATOR=\n
...                 \#!/bin/sh
...                 echo 'vhost2 2 up 9000/0/0/0 tx packets 10'


*** Test Cases ***
An Iperf3 Server Answers
    Start Host Testpmd    ${SOCKETS}/a
    Configure Vhost Interfaces    server    ${SOCKETS}/a
    ${info}=    Start Kernel VM    server    vnf=iperf3    addresses=${{ ['10.9.0.1/24'] }}    port=5300
    Should Be Equal    ${info}[vnf]    iperf3
    Should Be True    ${info}[boot_time][ready] > ${info}[boot_time][kernel]
    ${report}=    Run Iperf3 Client In VM    server    10.9.0.1    port=5300    duration=1 second
    Should Be True    ${report}[received_bytes] > 1000000
    Stop Iperf3 Server In VM    server

IPv4 Is Routed
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Configure Vhost Interfaces    router    ${SOCKETS}/a    ${SOCKETS}/b
    Start Kernel VM    router    vnf=ipv4
    ${key}=    Execute In VM    router    cat    /proc/sys/net/ipv4/ip_forward
    Should Be Equal    ${key}[stdout]    1\n
    ${routes}=    Execute In VM    router    ip    route
    Should Contain    ${routes}[stdout]    20.0.0.0/8 via 1.1.2.2 dev eth1
    ${stats}=    Get Linux IPv4 Forwarding Stats    router
    Length Should Be    ${stats}[ports]    2
    Run Keyword And Expect Error    *VM 'router' runs Linux IPv4 forwarding already*
    ...    Run Testpmd In VM    router
    Stop Linux IPv4 Forwarding In VM    router

VPP Has Its Template
    ${template}=    Install Stand-Ins
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Configure Vhost Interfaces    vpp    ${SOCKETS}/a    ${SOCKETS}/b
    Start Kernel VM    vpp    vnf=vpp    cpus=2    memory=768    template=l2xc    init_template=${template}
    ${seen}=    Execute In VM    vpp    cat    /run/seen
    Should Contain    ${seen}[stdout]    corelist-workers 1-1
    Should Contain    ${seen}[stdout]    set interface l2 xconnect vhost1 vhost2
    ${stats}=    Get VPP Stats    vpp
    Should Be Equal As Integers    ${stats}[ports][1][tx_packets]    10

A Program That Is Not There Fails The Start
    Start Host Testpmd    ${SOCKETS}/a
    Configure Vhost Interfaces    none    ${SOCKETS}/a
    Run Keyword And Expect Error    *VM 'none'*has no program 'nosuchvpp': install it in the host's root*
    ...    Start Kernel VM    none    vnf=vpp    memory=768    binary=nosuchvpp

A Program That Ends Fails The Start
    Start Host Testpmd    ${SOCKETS}/a
    Configure Vhost Interfaces    ends    ${SOCKETS}/a
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    ends    vnf=l3fwd
    ...    memory=768    binary=false
    Should Contain    ${error}    VM 'ends'
    Should Contain    ${error}    payload ended

Bad Options Are Refused Before Anything Starts
    Configure Vhost Interfaces    bad    ${SOCKETS}/a
    Should Fail At Once    *needs at least 2 vhost interface(s), VM 'bad' has 1*    Start Kernel VM
    ...    bad    vnf=ipv4
    Should Fail At Once    *argument 'port': expected an integer*'many'*    Start Kernel VM
    ...    bad    vnf=iperf3    port=many
    Should Fail At Once    *argument 'template'*vpp-nothing.exec*    Start Kernel VM
    ...    bad    vnf=vpp    memory=768    template=nothing
    Should Fail At Once    *argument 'paused'*vnf\=iperf3*    Start Kernel VM
    ...    bad    vnf=iperf3    paused=True
    Should Fail At Once    *argument 'memory'*160 huge pages*    Start Kernel VM
    ...    bad    vnf=vpp    memory=256
    State Should Be    bad    defined


*** Keywords ***
Install Stand-Ins
    [Documentation]    Where the guest sees them: its /tmp is its own. The template finds them first.
    ${directory}=    Set Variable    ${OUTPUT_DIR}/stand-in
    Create File    ${directory}/vpp    ${VPP}
    Create File    ${directory}/vppctl    ${VPPCTL}
    Evaluate    [os.chmod('${directory}/' + name, 0o755) for name in ('vpp', 'vppctl')]    os
    ${text}=    Get File    ${CURDIR}/../../../config/templates/kernel-vm.init
    ${text}=    Replace String    ${text}    PATH=/usr/local/sbin    PATH=${directory}:/usr/local/sbin    count=1
    Create File    ${directory}/template    ${text}
    RETURN    ${directory}/template
