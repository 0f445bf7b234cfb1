*** Settings ***
Documentation       The guest's own kernel as payload: a bridge, then a router, with real packets.
Resource            image_vm.resource
Suite Setup         Start An Image VM Between Two Ports    mac
...                     --tx-ip\=10.0.0.1,20.0.0.1    --eth-peer\=0,52:54:00:00:09:01
...                     --eth-peer\=1,52:54:00:00:09:02
Suite Teardown      Stop What Runs


*** Test Cases ***
A Bridge Forwards
    [Documentation]    The host sends to addresses that the bridge knows on neither side.
    Host Testpmd Command    set fwd io
    Host Testpmd Command    set eth-peer 0 02:00:00:00:00:00
    Host Testpmd Command    set eth-peer 1 02:00:00:00:00:01
    ${bridge}=    Run Linux Bridge In VM    ${VM}
    Should Be Equal    ${bridge}[interfaces][0][name]    virtio0
    Host Testpmd Command    start tx_first 8
    Both Ends Count Both Directions    Get Linux Bridge Stats
    Host Testpmd Command    stop
    ${guest}=    Stop Linux Bridge In VM    ${VM}
    Every Packet Is Accounted For    ${guest}
    ${links}=    Execute In VM    ${VM}    ip    link    show    br0
    Should Not Be Equal As Integers    ${links}[rc]    0

IPv4 Is Routed
    [Documentation]    Every packet circles until its TTL of 64 is used up: 63 times out, then an
    ...    answer by ICMP.
    Host Testpmd Command    set fwd mac
    Host Testpmd Command    set eth-peer 0 52:54:00:00:09:01
    Host Testpmd Command    set eth-peer 1 52:54:00:00:09:02
    Host Testpmd Command    clear port stats all
    ${macs}=    Create List    02:00:00:00:00:00    02:00:00:00:00:01
    ${router}=    Run Linux IPv4 Forwarding In VM    ${VM}    peer_macs=${macs}
    Should Be Equal    ${router}[interfaces][1][address]    1.1.2.1/24
    Host Testpmd Command    start tx_first 4
    ${host}=    Wait For Host Testpmd Packets    ${PACKETS}    port=1
    ${guest}=    Get Linux IPv4 Forwarding Stats    ${VM}
    Log    Host: ${host}    console=True
    Log    Guest: ${guest}[ports]    console=True
    Should Be True    ${guest}[ports][0][rx_packets] >= ${PACKETS}
    Should Be True    ${guest}[ports][1][tx_packets] >= ${PACKETS}
    Host Testpmd Command    stop
    ${guest}=    Stop Linux IPv4 Forwarding In VM    ${VM}
    Every Packet Is Accounted For    ${guest}
    ${routes}=    Execute In VM    ${VM}    ip    route
    Should Not Contain    ${routes}[stdout]    10.0.0.0/8

Bad Options Are Refused
    ${addresses}=    Create List    1.1.1.1/24    1.1.2.1
    Run Keyword And Expect Error    *argument 'addresses': expected an IPv4 address*got '1.1.2.1'
    ...    Run Linux IPv4 Forwarding In VM    ${VM}    addresses=${addresses}
    ${routes}=    Create List    10.0.0.0/8 via 1.1.1.2; reboot
    Run Keyword And Expect Error    *argument 'routes'*    Run Linux IPv4 Forwarding In VM    ${VM}
    ...    routes=${routes}
    ${routes}=    Create List    10.0.0.0/8 via 9.9.9.9
    Run Keyword And Expect Error    *ip in the guest*    Run Linux IPv4 Forwarding In VM    ${VM}
    ...    routes=${routes}
    ${interfaces}=    Execute In VM    ${VM}    ip    address    show    virtio0
    Should Not Contain    ${interfaces}[stdout]    inet 1.1.1.1    What was begun is undone.
