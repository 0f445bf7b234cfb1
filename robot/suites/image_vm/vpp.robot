*** Settings ***
Documentation       VPP in an image VM. VPP is not in Debian, so a script stands in for it here: it
...                 prints what VPP prints and keeps its configuration, and shows that the keywords
...                 render the templates, wait, read statistics and stop.
Resource            image_vm.resource
Suite Setup         Start An Image VM Between Two Ports
Suite Teardown      Stop What Runs


*** Variables ***
${VPP}          SEPARATOR=\n
...             \#!/bin/sh
...             trap 'echo stopped; exit 0' TERM
...             cat "$2" >/tmp/startup; cat /run/vpp/vpp.exec >/tmp/exec
...             echo 'vpp v22.10-release built by root on stand-in'
...             while :; do sleep 1; done
${VPPCTL}       SEPARATOR=\n
...             \#!/bin/sh
...             [ "$1 $2 $3 $4" = "-s /run/vpp/cli.sock show interface" ] || exit 1
...             echo 'vhost1 1 up 9000/0/0/0 rx packets 11'
...             echo '${SPACE}rx bytes 704'
...             echo 'vhost2 2 up 9000/0/0/0 tx packets 10'
...             echo '${SPACE}tx bytes 640'
...             echo 'local0 0 down 0/0/0/0'


*** Test Cases ***
Without VPP It Fails At Once
    Run Keyword And Expect Error    *VM '${VM}' has no program 'vpp': install it in the image*
    ...    Run VPP In VM    ${VM}
    ${links}=    Execute In VM    ${VM}    ip    link
    Should Contain    ${links}[stdout]    virtio0    The interfaces are where they were.

Templates Are Rendered And Statistics Read
    Install    vpp    ${VPP}
    Install    vppctl    ${VPPCTL}
    ${run}=    Run VPP In VM    ${VM}    addresses=${{ ['5.5.5.1/24', '6.6.6.1/24'] }}
    ...    peers=${{ ['5.5.5.2', '6.6.6.2'] }}
    Should Be Equal    ${run}[command]    vpp -c /run/vpp/startup.conf
    ${startup}=    Execute In VM    ${VM}    sudo    -n    cat    /tmp/startup
    Should Contain    ${startup}[stdout]    corelist-workers 1-1
    Should Contain    ${startup}[stdout]    dev 0000:00:07.0 {
    Should Contain    ${startup}[stdout]    exec /run/vpp/vpp.exec
    ${exec}=    Execute In VM    ${VM}    sudo    -n    cat    /tmp/exec
    Should Contain    ${exec}[stdout]    set interface ip address vhost1 5.5.5.1/24
    Should Contain    ${exec}[stdout]    set ip neighbor vhost2 6.6.6.2 02:00:00:00:00:01 static
    Should Not Contain    ${exec}[stdout]    $
    ${stats}=    Get VPP Stats    ${VM}
    Should Be Equal As Integers    ${stats}[ports][0][rx_packets]    11
    Should Be Equal As Integers    ${stats}[ports][0][rx_bytes]    704
    Should Be Equal As Integers    ${stats}[ports][0][tx_packets]    0
    Should Be Equal As Integers    ${stats}[ports][1][tx_packets]    10
    Stop VPP In VM    ${VM}
    ${ps}=    Execute In VM    ${VM}    ps    -o    args
    Should Not Contain    ${ps}[stdout]    vpp -c

A Template That Is Not There
    Run Keyword And Expect Error    *argument 'template'*vpp-nothing.exec*
    ...    Run VPP In VM    ${VM}    template=nothing


*** Keywords ***
Install
    [Arguments]    ${name}    ${text}
    Create File    ${DIRECTORY}/${name}    ${text}\n
    Copy File To VM    ${VM}    ${DIRECTORY}/${name}    /tmp/${name}
    ${result}=    Execute In VM    ${VM}    sudo    -n    sh    -c
    ...    cp /tmp/${name} /usr/bin/${name} && chmod 755 /usr/bin/${name}
    Should Be Equal As Integers    ${result}[rc]    0
