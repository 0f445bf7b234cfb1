*** Settings ***
Documentation       Vhost interfaces: before the start, plugged and unplugged while the VM runs, and
...                 vswitches that come and go.
Resource            acceptance.resource

Suite Setup         Set Up Suite With Sockets
Suite Teardown      Tear Down Suite With Sockets


*** Variables ***
${VM}       nic
${SHOW_CARRIER}      for d in /sys/bus/pci/devices/0000:00:06.0/virtio*/net/*; do ip link set \${d##*/} up; cat $d/carrier $d/address; done


*** Test Cases ***
Features Become Bits Of The Virtio Specification
    ${mask}=    Create Virtio Feature Mask
    Should Be Equal    ${mask}    ${0}
    ${mask}=    Create Virtio Feature Mask    csum=True    guest_csum=${True}    mrg_rxbuf=True    gso=False
    Should Be Equal    ${mask}    ${{1 << 0 | 1 << 1 | 1 << 15}}
    ${mask}=    Create Virtio Feature Mask    all=True
    ${all}=    Evaluate    sum(1 << bit for bit in (0, 1, 6, 7, 8, 10, 11, 12, 14, 15, 17, 21, 22, 27, 28))
    Should Be Equal    ${mask}    ${all}
    ${mask}=    Create Virtio Feature Mask    all=True    mq=False
    Should Be Equal    ${mask}    ${{$all & ~(1 << 22)}}
    Should Fail At Once    *argument 'turbo'*no such virtio feature*mrg_rxbuf*
    ...    Create Virtio Feature Mask    turbo=True
    Should Fail At Once    *argument 'csum'*True or False*'maybe'*    Create Virtio Feature Mask    csum=maybe

Interfaces Are Numbered In The Order Of Their Sockets
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b
    ${info}=    Get VM Info    ${VM}
    ${id}=    Evaluate    '%02x' % $info['qemu_id']
    Dictionaries Should Be Equal    ${interfaces}    ${info}[interfaces]
    Should Be Equal    ${{list($interfaces)}}    ${{['vhost1', 'vhost2']}}
    Should Be Equal    ${interfaces}[vhost1]    ${{{'mac_address': '52:54:00:00:%s:01' % $id, 'socket': $SOCKETS + '/a', 'pci_address': '0000:00:06.0', 'queues': 1, 'connected': False, 'name': ''}}}
    Should Be Equal    ${interfaces}[vhost2][mac_address]    52:54:00:00:${id}:02
    Should Be Equal    ${interfaces}[vhost2][pci_address]    0000:00:07.0
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/c    mac=02:00:00:00:00:0c    queues=4
    Should Be Equal    ${interfaces}[vhost3][mac_address]    02:00:00:00:00:0c
    Should Be Equal    ${interfaces}[vhost3][queues]    ${4}
    ${name}=    Get Vhost Interface By Socket    ${VM}    ${SOCKETS}/b
    Should Be Equal    ${name}    vhost2
    Should Fail At Once    *argument 'socket'*'/nowhere'*    Get Vhost Interface By Socket    ${VM}    /nowhere
    ${state}=    Get Vhost Interface State    ${VM}    vhost1
    Should Be Equal    ${state}    disconnected
    Should Fail At Once    *'${VM}'*no interface 'vhost9'*vhost1, vhost2, vhost3*
    ...    Get Vhost Interface State    ${VM}    vhost9

A Removed Interface Leaves Its Number Free
    Remove Vhost Interface    ${VM}    vhost2
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/d
    Should Be Equal    ${interfaces}[vhost2][socket]    ${SOCKETS}/d
    Should Be Equal    ${interfaces}[vhost2][pci_address]    0000:00:07.0
    Kill VM    ${VM}
    Nothing Should Be Left

Options Reach The Devices
    ${mask}=    Create Virtio Feature Mask    guest_csum=True    host_tso4=True    mrg_rxbuf=True
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/b    csum=True    gso=True    queue_size=256
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/c    jumbo=True    packed=True
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/d    feature_mask=${mask}
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/e    mrg_rxbuf=True
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b    ${SOCKETS}/c    ${SOCKETS}/d    ${SOCKETS}/e
    Start Kernel VM    ${VM}    paused=True
    Device Should Have    vhost1    csum=${False}    gso=${False}    guest_tso4=${False}    guest_ecn=${False}
    ...    mrg_rxbuf=${False}    mq=${False}    rx_queue_size=${1024}    tx_queue_size=${1024}    packed=${False}
    Device Should Have    vhost2    csum=${True}    gso=${True}    guest_tso4=${True}    host_tso4=${True}
    ...    guest_ufo=${False}    rx_queue_size=${256}    tx_queue_size=${256}
    Device Should Have    vhost3    mrg_rxbuf=${True}    host_mtu=${9200}    packed=${True}    csum=${False}
    Device Should Have    vhost4    csum=${False}    guest_csum=${True}    host_tso4=${True}
    ...    guest_tso4=${False}    mrg_rxbuf=${True}
    Device Should Have    vhost5    mrg_rxbuf=${True}    host_mtu=${0}
    [Teardown]    Kill All And Check

An Interface Is Plugged Into A VM That Runs
    ${info}=    Start Kernel VM    ${VM}    cpus=2
    Start Host Testpmd    ${SOCKETS}/hot
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/hot
    Should Be Equal    ${interfaces}[vhost1][pci_address]    0000:00:06.0
    Should Be Equal    ${interfaces}[vhost1][connected]    ${True}
    ${mac}=    Set Variable    ${interfaces}[vhost1][mac_address]
    Wait Until Keyword Succeeds    10 s    100 ms    Carrier Should Be    1    ${mac}

The Guest Sees The Link Go Down And Up
    ${info}=    Get VM Info    ${VM}
    ${mac}=    Set Variable    ${info}[interfaces][vhost1][mac_address]
    Set Vhost Link    ${VM}    vhost1    down
    Wait Until Keyword Succeeds    5 s    50 ms    Carrier Should Be    0    ${mac}
    Set Vhost Link    ${VM}    vhost1    up
    Wait Until Keyword Succeeds    5 s    50 ms    Carrier Should Be    1    ${mac}
    Should Fail At Once    *argument 'state'*'sideways'*    Call Server    Set Vhost Link    ${VM}    vhost1    sideways

Packets Flow Over The Plugged Interface
    ${testpmd}=    Run Testpmd In VM    ${VM}
    Length Should Be    ${testpmd}[ports]    1
    Packets Should Flow    ${VM}
    Stop Testpmd In VM    ${VM}

An Interface Is Unplugged From A VM That Runs
    Remove Vhost Interface    ${VM}    vhost1    timeout=20 s
    ${info}=    Get VM Info    ${VM}
    Should Be Empty    ${info}[interfaces]
    Should Not Exist    ${SOCKETS}/hot
    ${result}=    Execute In VM    ${VM}    ls    /sys/bus/pci/devices
    Should Not Contain    ${result}[stdout]    00:06.0
    Should Fail At Once    *no interface 'vhost1'*none*    Remove Vhost Interface    ${VM}    vhost1

The Same Interface Is Plugged Again
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/hot
    Should Be Equal    ${interfaces}[vhost1][pci_address]    0000:00:06.0
    Run Testpmd In VM    ${VM}
    Packets Should Flow    ${VM}
    Stop Testpmd In VM    ${VM}

A Plug Without A Vswitch Leaves Nothing
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/x
    ...    ${SOCKETS}/y    timeout=1 s
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    1 <= ${seconds} < 2
    Should Contain    ${error}    no vswitch connected
    Should Contain    ${error}    vhost2 (${SOCKETS}/x), vhost3 (${SOCKETS}/y)
    ${info}=    Get VM Info    ${VM}
    Should Be Equal    ${{list($info['interfaces'])}}    ${{['vhost1']}}
    Should Not Exist    ${SOCKETS}/x
    Should Not Exist    ${SOCKETS}/y
    ${state}=    Get Vhost Interface State    ${VM}    vhost1
    Should Be Equal    ${state}    connected
    [Teardown]    Kill All And Check

A Vswitch That Died Is Connected Again
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Start Kernel VM    ${VM}    vnf=testpmd_io    cpus=2
    Packets Should Flow    ${VM}
    Kill Host Testpmd
    Wait Until Keyword Succeeds    5 s    20 ms    Interface Should Be    vhost1    disconnected
    Wait Until Keyword Succeeds    5 s    20 ms    Interface Should Be    vhost2    disconnected
    ${info}=    Get VM Info    ${VM}
    Should Be Equal    ${info}[interfaces][vhost1][connected]    ${False}
    Should Be Equal    ${info}[state]    running
    ${error}=    Run Keyword And Expect Error    *    Wait Until Vhost Connected    ${VM}    vhost2    timeout=300 ms
    Should Contain    ${error}    vhost2 (${SOCKETS}/b)
    Should Not Contain    ${error}    vhost1
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Wait Until Vhost Connected    ${VM}    timeout=10 s
    Interface Should Be    vhost1    connected
    Packets Should Flow    ${VM}

An Interface Is Plugged Beside A Payload That Forwards
    Start Host Testpmd    ${SOCKETS}/late    name=late
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/late
    Should Be Equal    ${interfaces}[vhost3][connected]    ${True}
    Packets Should Flow    ${VM}
    Stop Host Testpmd    late
    [Teardown]    Kill All And Check

The Vswitch Can Be The Server
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b    client=False
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b    server=False
    Start Kernel VM    ${VM}    vnf=testpmd    cpus=2
    Wait Until Vhost Connected    ${VM}    vhost1    vhost2
    Packets Should Flow    ${VM}
    Qemu Kill All
    Should Exist    ${SOCKETS}/a
    [Teardown]    Kill All And Check

Queues Work Side By Side
    Configure Vhost Interfaces    ${VM}    ${SOCKETS}/a    ${SOCKETS}/b    queues=2
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b    queues=2
    ${info}=    Start Kernel VM    ${VM}    cpus=2
    Should Be Equal    ${info}[interfaces][vhost1][queues]    ${2}
    ${testpmd}=    Run Testpmd In VM    ${VM}
    Should Contain    ${testpmd}[command]    --rxq=2
    ${text}=    Testpmd Command    ${VM}    show port info 0
    Should Contain    ${text}    Current number of RX queues: 2
    Packets Should Flow    ${VM}
    [Teardown]    Kill All And Check


*** Keywords ***
Device Should Have
    [Arguments]    ${id}    &{properties}
    FOR    ${name}    ${value}    IN    &{properties}
        ${now}=    Qmp Command    ${VM}    qom-get    path=/machine/peripheral/${id}    property=${name}
        Should Be Equal    ${now}    ${value}    ${id}: ${name}
    END

Carrier Should Be
    [Arguments]    ${carrier}    ${mac}
    ${result}=    Execute In VM    ${VM}    sh    -c    ${SHOW_CARRIER}
    Should Be Equal    ${result}[stdout]    ${carrier}\n${mac}\n    ${result}[stderr]

Interface Should Be
    [Arguments]    ${interface}    ${state}
    ${now}=    Get Vhost Interface State    ${VM}    ${interface}
    Should Be Equal    ${now}    ${state}
