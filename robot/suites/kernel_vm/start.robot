*** Settings ***
Documentation       Starting kernel VMs: what runs in them and when the start is complete.
Resource            acceptance.resource

Suite Setup         Set Up Suite With Sockets
Suite Teardown      Tear Down Suite With Sockets
Test Teardown       Kill All And Check


*** Variables ***
@{INFO_KEYS}        name    node    host    type    kind    qemu_id    state    pid    port    serial
...                 username    password    interfaces    vnf    cpus    memory    host_cpus
...                 qmp_socket    qga_socket    console_log    run_dir    command_line    boot_time
@{PEER_MACS}        02:00:00:00:00:a1    02:00:00:00:00:a2


*** Test Cases ***
A VM Without A Payload Is Ready When Its Guest Agent Answers
    ${info}=    Start Kernel VM    plain    cpus=2    memory=384    host_cpus=${{[1, 0]}}
    List Should Contain Sub List    ${{list($info)}}    ${INFO_KEYS}
    Guest Agent Command    plain    guest-ping
    VM Info Should Be As Asked    ${info}
    ${again}=    Get VM Info    plain
    Dictionaries Should Be Equal    ${info}    ${again}
    ${vms}=    List VMs
    Should Be Equal    ${vms}    ${{['plain']}}
    ${affinity}=    Get Vcpu Affinity    ${info}[pid]
    Should Be Equal    ${affinity}    ${{['1', '0']}}

Cores Have The Threads That Were Asked For
    ${info}=    Start Kernel VM    smt    cpus=3    cores=${{[0, 0, 1]}}    host_cpus=${{[0, 1, 0]}}
    Siblings Should Be    smt    0-1    0-1    2
    ${affinity}=    Get Vcpu Affinity    ${info}[pid]
    Should Be Equal    ${affinity}    ${{['0', '1', '0']}}

Emulation Has No Core With Fewer Threads Before Others
    [Documentation]    QEMU's own interrupt controller delivers nothing behind a gap; KVM's does.
    ${node}=    Get Node Info    DUT1
    Start Kernel VM    gap    cpus=3    cores=${{[0, 1, 1]}}
    IF    ${node}[kvm]
        Siblings Should Be    gap    0    1-2    1-2
    ELSE
        Siblings Should Be    gap    0    1    2
    END

A Command Is Ready When Its Line Is On The Console
    ${info}=    Start Kernel VM    marker    vnf=command    memory=256
    ...    command=echo "the marker is $((6 * 7))"; sleep infinity
    ...    ready_pattern=^the marker is [0-9]+$
    ${line}=    Expect On VM Console    marker    ^the marker
    Should Be Equal    ${line}    the marker is 42
    Should Be Equal    ${info}[vnf]    command
    Should Be True    ${info}[boot_time][ready] > ${info}[boot_time][kernel]

A Command Without A Pattern Is Ready With The Agent
    Start Kernel VM    agent    vnf=command    command=sleep infinity
    ${result}=    Execute In VM    agent    pgrep    -x    sleep
    Should Be Equal    ${result}[rc]    ${0}

Options Replace Names In A Template Of The User's Own
    Create File    ${SOCKETS}/own.init    ${OWN_TEMPLATE}
    Start Kernel VM    own    vnf=command    init_template=${SOCKETS}/own.init
    ...    command=echo all-said; sleep infinity    ready_pattern=all-said
    ...    greeting=grüß dich    number=${8080}    flag=${True}
    ${console}=    Get VM Console    own
    Should Contain    ${console}    greeting=grüß dich.
    Should Contain    ${console}    number=8080x
    Should Contain    ${console}    flag=True
    Should Contain    ${console}    name=own
    Should Contain    ${console}    variable=kept

Testpmd As The Payload Forwards With The Options Given
    Configure Vhost Interfaces    pmd    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    ${info}=    Start Kernel VM    pmd    vnf=testpmd    forward_mode=io    rxd=512    burst=32
    Should Be Equal    ${info}[vnf]    testpmd
    ${configuration}=    Testpmd Command    pmd    show config rxtx
    Should Contain    ${configuration}    io packet forwarding packets/burst=32
    Should Contain    ${configuration}    RX desc=512
    Packets Should Flow    pmd
    ${line}=    Expect On VM Console    pmd    EAL: Detected
    Should Contain    ${line}    lcores

The Short Form For Io Forwards
    Configure Vhost Interfaces    io    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Start Kernel VM    io    vnf=testpmd_io    cpus=2
    ${configuration}=    Testpmd Command    io    show config fwd
    Should Contain    ${configuration}    io packet forwarding
    Packets Should Flow    io

The Short Form For Mac Sends To The Peers
    Configure Vhost Interfaces    mac    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b    forward_mode=rxonly
    ${info}=    Start Kernel VM    mac    vnf=testpmd_mac    peer_macs=${PEER_MACS}
    ${configuration}=    Testpmd Command    mac    show config fwd
    Should Contain    ${configuration}    mac packet forwarding
    Host Testpmd Command    set verbose 1
    Send To Host Testpmd    start tx_first
    FOR    ${port}    IN    ${0}    ${1}
        ${peer}=    Convert To Upper Case    ${PEER_MACS}[${port}]
        ${own}=    Convert To Upper Case    ${info}[interfaces][vhost${port + 1}][mac_address]
        Wait For Host Testpmd Text    src=${own} - dst=${peer}
    END

The Template Of The FD.io Documentation Forwards
    Create File    ${SOCKETS}/fdio.init    ${FDIO_TEMPLATE}
    Configure Vhost Interfaces    fdio    ${SOCKETS}/a    ${SOCKETS}/b
    Start Host Testpmd    ${SOCKETS}/a    ${SOCKETS}/b
    Start Kernel VM    fdio    vnf=testpmd    cpus=2    init_template=${SOCKETS}/fdio.init
    ${ports}=    Testpmd Command    fdio    show device info all
    Should Contain    ${ports}    0000:00:06.0
    Should Contain    ${ports}    0000:00:07.0
    Packets Should Flow    fdio
    Testpmd Command    fdio    show port summary all
    ${text}=    Get VM Console    fdio
    Should Not Contain    ${text}    write error
    Should Not Contain    ${text}    uio_pci_generic

A Template In The Template Directory Is Found By Its Name
    ${directory}=    Get Constant    kernel_vm.template_dir
    File Should Exist    ${directory}/kernel-vm.init
    Start Kernel VM    named    init_template=kernel-vm.init


*** Variables ***
${OWN_TEMPLATE}     SEPARATOR=\n
...                 \#!/bin/sh
...                 variable=kept
...                 echo "greeting=$greeting."
...                 echo "number=\${number}x"
...                 echo "flag=$flag name=$vm_name variable=$variable"
...                 $vnf_bin
...                 poweroff -f
...                 ${EMPTY}
# From the documentation of FD.io CSIT, Kernel VM.
${FDIO_TEMPLATE}    SEPARATOR=\n
...                 \#!/bin/bash
...                 mount -t sysfs -o "nodev,noexec,nosuid" sysfs /sys
...                 mount -t proc -o "nodev,noexec,nosuid" proc /proc
...                 mkdir /dev/pts
...                 mkdir /dev/hugepages
...                 mount -t devpts -o "rw,noexec,nosuid,gid=5,mode=0620" devpts /dev/pts || true
...                 mount -t tmpfs -o "rw,noexec,nosuid,size=10%,mode=0755" tmpfs /run
...                 mount -t tmpfs -o "rw,noexec,nosuid,size=10%,mode=0755" tmpfs /tmp
...                 mount -t hugetlbfs -o "rw,relatime,pagesize=2M" hugetlbfs /dev/hugepages
...                 echo Y > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode
...                 echo 0000:00:06.0 > /sys/bus/pci/devices/0000:00:06.0/driver/unbind
...                 echo 0000:00:07.0 > /sys/bus/pci/devices/0000:00:07.0/driver/unbind
...                 echo vfio-pci > /sys/bus/pci/devices/0000:00:06.0/driver_override
...                 echo vfio-pci > /sys/bus/pci/devices/0000:00:07.0/driver_override
...                 echo 0000:00:06.0 > /sys/bus/pci/drivers/vfio-pci/bind
...                 echo 0000:00:07.0 > /sys/bus/pci/drivers/vfio-pci/bind
...                 $vnf_bin
...                 poweroff -f
...                 ${EMPTY}


*** Keywords ***
VM Info Should Be As Asked
    [Arguments]    ${info}
    Should Be Equal    ${info}[name]    plain
    Should Be Equal    ${info}[node]    DUT1
    Should Be Equal    ${info}[type]    VM
    Should Be Equal    ${info}[kind]    kernel
    Should Be Equal    ${info}[state]    running
    Should Be Equal    ${info}[vnf]    none
    Should Be Equal    ${info}[cpus]    ${2}
    Should Be Equal    ${info}[memory]    ${384}
    Should Be Equal    ${info}[host_cpus]    ${{[1, 0]}}
    Should Be Equal    ${info}[interfaces]    ${{{}}}
    Should Be Equal    ${info}[port]    ${{10021 + $info['qemu_id']}}
    Should Be Equal    ${info}[serial]    ${{4555 + $info['qemu_id']}}
    Should Be Equal    ${info}[run_dir]    ${RUN_DIR}/plain
    File Should Exist    ${info}[console_log]
    Should Start With    ${info}[qmp_socket]    ${RUN_DIR}/plain/
    Should Start With    ${info}[qga_socket]    ${RUN_DIR}/plain/
    Should Contain    ${info}[command_line][0]    qemu-system-
    ${command}=    Get File    /proc/${info}[pid]/cmdline
    Should Be True    $command.split(chr(0))[:-1] == $info['command_line']
    ${times}=    Set Variable    ${info}[boot_time]
    Should Be True    0 < $times['launch'] <= $times['vhost'] <= $times['kernel'] < $times['ready'] < 60

Siblings Should Be
    [Documentation]    What the guest says of each of its CPUs.
    [Arguments]    ${vm}    @{expected}
    FOR    ${cpu}    ${siblings}    IN ENUMERATE    @{expected}
        ${result}=    Execute In VM    ${vm}    cat
        ...    /sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list
        Should Be Equal    ${result}[stdout]    ${siblings}\n
    END
