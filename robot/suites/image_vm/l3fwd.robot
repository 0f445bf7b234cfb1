*** Settings ***
Documentation       l3fwd in an image VM routes real packets: what the host sends into port 0 for
...                 198.18.1.1 comes out of port 1, to the MAC address that was asked for.
Resource            image_vm.resource
Suite Setup         Start An Image VM Between Two Ports    mac
...                     --tx-ip\=198.18.0.1,198.18.1.1    --eth-peer\=0,52:54:00:00:09:01
...                     --eth-peer\=1,52:54:00:00:09:02
Suite Teardown      Stop What Runs


*** Test Cases ***
L3fwd Routes To Port 1
    ${l3fwd}=    Run L3fwd In VM    ${VM}
    Should Contain    ${l3fwd}[command]    --config=(0,0,0),(1,0,0)
    Host Testpmd Command    start tx_first 8
    ${host}=    Wait For Host Testpmd Packets    ${PACKETS}    port=1
    ${guest}=    Get L3fwd Stats    ${VM}
    Log    Host: ${host}    console=True
    Log    Guest: ${guest}[ports]    console=True
    Should Be True    ${guest}[ports][0][rx_packets] >= ${PACKETS}
    Should Be True    ${guest}[ports][1][tx_packets] >= ${PACKETS}
    Should Be Equal    ${host}[0][rx_packets]    ${0}    All routes lead to port 1.
    Host Testpmd Command    stop
    ${guest}=    Stop L3fwd In VM    ${VM}
    Every Packet Is Accounted For    ${guest}

Stopped It Has No Statistics
    Run Keyword And Expect Error    *does not run l3fwd*    Get L3fwd Stats    ${VM}
    Run Keyword And Expect Error    *does not run l3fwd*    Stop L3fwd In VM    ${VM}
    ${ps}=    Execute In VM    ${VM}    ps    -o    comm
    Should Not Contain    ${ps}[stdout]    l3fwd

Bad Options Are Refused
    Run Keyword And Expect Error    *argument 'cpus': expected at most 1*
    ...    Run L3fwd In VM    ${VM}    cpus=2
    ${macs}=    Create List    02:00:00:00:00:zz
    Run Keyword And Expect Error    *argument 'peer_macs'*    Run L3fwd In VM    ${VM}
    ...    peer_macs=${macs}
    Run Keyword And Expect Error    *has no program 'l4fwd'*    Run L3fwd In VM    ${VM}
    ...    binary=l4fwd
    ${arguments}=    Create List    --no-such-option
    Run Keyword And Expect Error    *l3fwd failed*no-such-option*
    ...    Run L3fwd In VM    ${VM}    extra_args=${arguments}
