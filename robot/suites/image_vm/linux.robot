*** Settings ***
Documentation       The guest's own kernel as payload: a bridge, then a router, with real packets.
Resource            image_vm.resource
Suite Setup         Start An Image VM Between Two Ports    mac    --tx-ip\=10.0.0.1,20.0.0.1
Suite Teardown      Stop What Runs


*** Test Cases ***
A Bridge Forwards
    ${bridge}=    Bridge Should Forward    ${VM}
    Should Be Equal    ${bridge}[interfaces][0][name]    virtio0

IPv4 Is Routed
    IPv4 Should Be Routed    ${VM}

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
