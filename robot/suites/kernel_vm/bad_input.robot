*** Settings ***
Documentation       What cannot work fails within a second, says why, and leaves nothing.
...
...                 Arguments travel past Robot's own checks, as those of any client may.
Resource            acceptance.resource

Suite Setup         Set Up Suite With Sockets
Suite Teardown      Tear Down Suite With Sockets
Test Teardown       Nothing Should Be Left In The End


*** Variables ***
${NAMES}        1 to 32 characters


*** Test Cases ***
An Unknown VM Is Named
    FOR    ${name}    IN    Stop VM    Pause VM    Resume VM    Reset VM    Get VM Info    Get VM State
    ...    Wait Until VM Stops    Get VM Console    Set VM CPU Affinity    Set VM Scheduler Policy
    ...    Wait Until Vhost Connected    Run Testpmd In VM    Stop Testpmd In VM    Get Testpmd Stats
    ...    Get VM Interfaces
        Should Be Refused    vm    'nobody'    unknown VM    ${name}    nobody
    END
    FOR    ${name}    IN    Expect On VM Console    Write To VM Console    Qmp Command    Execute In VM
    ...    Guest Agent Command    Testpmd Command    Get Vhost Interface State    Remove Vhost Interface
        Should Be Refused    vm    'nobody'    unknown VM    ${name}    nobody    x
    END
    Should Be Refused    vm    'nobody'    unknown VM    Set Vhost Link    nobody    vhost1    up

An Unknown Node Is Named
    Should Be Refused    node    'DUT9'    DUT1    Start Kernel VM    x    node=DUT9
    Should Be Refused    node    'DUT9'    DUT1    Start Kernel VM    x    DUT9
    Should Be Refused    node    'DUT9'    DUT1    Configure Vhost Interfaces    x    ${SOCKETS}/a    node=DUT9
    Should Be Refused    node    'DUT9'    DUT1    List VMs    DUT9
    Should Be Refused    node    'DUT9'    DUT1    Qemu Kill All    DUT9
    Should Be Refused    node    'DUT9'    DUT1    Get Qemu Version    DUT9

A VM Name That Is None Is Refused
    FOR    ${name}    IN    a/b    ../up    ..    .    ${EMPTY}    ${{'x' * 33}}    two words    ümlaut    a\nb
        Should Be Refused    vm    '${name}'    ${NAMES}    Start Kernel VM    ${name}
        Should Be Refused    vm    '${name}'    ${NAMES}    Configure Vhost Interfaces    ${name}    ${SOCKETS}/a
        Should Be Refused    vm    '${name}'    ${NAMES}    Kill VM    ${name}
    END

A VM Name Of 32 Characters Works
    ${name}=    Set Variable    ${{'Abc.-_09' * 4}}
    Start Kernel VM    ${name}    paused=True
    State Should Be    ${name}    paused
    Kill VM    ${name}

A Running VM Is Not Started Again
    ${info}=    Start Kernel VM    once    paused=True
    Should Be Refused    vm    'once'    paused already    Start Kernel VM    once
    ${again}=    Get VM Info    once
    Should Be Equal    ${info}[pid]    ${again}[pid]
    Kill VM    once

Numbers Of vCPUs That Cannot Be Are Refused
    FOR    ${cpus}    IN    0    -1    1000    two    1.5
        Should Be Refused    cpus    ${cpus}    an integer from 1 to 255    Start Kernel VM    x    cpus=${cpus}
    END
    FOR    ${cpus}    IN    ${0}    ${-1}    ${256}    ${1000}
        Should Be Refused    cpus    ${cpus}    an integer from 1 to 255    Start Kernel VM    x    cpus=${cpus}
    END

Memory That Cannot Be Is Refused
    Should Be Refused    memory    ${2000000}    MiB    Start Kernel VM    x    memory=${2000000}
    Should Be Refused    memory    ${0}    an integer from    Start Kernel VM    x    memory=${0}
    Should Be Refused    memory    much    an integer from    Start Kernel VM    x    memory=much
    Should Be Refused    memory    ${80}    at least    Start Kernel VM    x    memory=${80}

Other Arguments That Cannot Be Are Refused
    Should Be Refused    host_cpus    4000    CPU    Start Kernel VM    x    host_cpus=${{[4000]}}
    Should Be Refused    host_cpus    2    1    Start Kernel VM    x    host_cpus=${{[0, 1]}}
    Should Be Refused    cores    3    2    Start Kernel VM    x    cpus=3    cores=${{[0, 1]}}
    Should Be Refused    cores    2    core 0 first    Start Kernel VM    x    cpus=2    cores=${{[0, 2]}}
    Should Be Refused    page_size    '3M'    4K    Start Kernel VM    x    page_size=3M
    Should Be Refused    qemu_id    ${256}    0 to 255    Start Kernel VM    x    qemu_id=${256}
    Should Be Refused    vnf    'nothing'    testpmd_mac    Start Kernel VM    x    vnf=nothing
    Should Be Refused    timeout    'soon'    ${EMPTY}    Start Kernel VM    x    timeout=soon
    Should Be Refused    timeout    -1    ${EMPTY}    Start Kernel VM    x    timeout=${-1}
    Should Be Refused    init_template    /no/such/file    ${EMPTY}    Start Kernel VM    x    init_template=/no/such/file
    Should Be Refused    queues    ${0}    1 to    Start Kernel VM    x    queues=${0}
    Should Be Refused    paused    'perhaps'    true or false    Start Kernel VM    x    paused=perhaps

A Wrong Count Of Arguments Is Refused
    ${error}=    Should Fail At Once    *    Call Server    Start Kernel VM
    Should Contain    ${error}    'vm'
    Should Fail At Once    *Get VM State*    Call Server    Get VM State    a    b
    Should Fail At Once    *argument 'vm'*    Call Server    Get VM State    a    vm=b
    Should Fail At Once    *Start Nothing*    Call Server    Start Nothing

A Kernel That Is None Is Refused
    Set Constant    kernel_vm.kernel    /no/such/vmlinux
    Should Fail At Once    *kernel_vm.kernel*/no/such/vmlinux*    Call Server    Start Kernel VM    x
    Set Constant    kernel_vm.kernel    /etc/passwd
    Should Fail At Once    *kernel_vm.kernel*/etc/passwd is no kernel*    Call Server    Start Kernel VM    x
    Set Constant    kernel_vm.kernel    /etc
    Should Fail At Once    *kernel_vm.kernel*/etc*    Call Server    Start Kernel VM    x
    Reload Constants
    Set Constant    kernel_vm.initrd    /no/such/initramfs
    Should Fail At Once    *kernel_vm.initrd*/no/such/initramfs*    Call Server    Start Kernel VM    x
    [Teardown]    Nothing Should Be Left In The End

A Program That Is Linked As A Kernel Ends The Start At Once
    [Documentation]    An ELF file passes the first look; what QEMU says about it counts.
    Set Constant    kernel_vm.kernel    /bin/true
    ${error}=    Should Fail At Once    *    Call Server    Start Kernel VM    x
    Should Contain    ${error}    VM 'x'
    Should Contain    ${error}    QEMU said:
    Should Contain    ${error}    PVH

A Socket Path That Is Too Long Is Refused
    ${long}=    Evaluate    $SOCKETS + '/' + 'x' * (108 - len($SOCKETS) - 1)
    Should Be Refused    sockets    108    107 bytes    Configure Vhost Interfaces    x    ${long}
    ${fits}=    Evaluate    $long[:-1]
    Configure Vhost Interfaces    x    ${fits}
    Kill VM    x

A Socket Path That Cannot Be Is Refused
    Should Be Refused    sockets    ${SOCKETS}/no/such/dir    No such file    Configure Vhost Interfaces    x
    ...    ${SOCKETS}/no/such/dir/sock
    Should Be Refused    sockets    relative/sock    absolute    Configure Vhost Interfaces    x    relative/sock
    Should Be Refused    sockets    '${SOCKETS}/a'    twice    Configure Vhost Interfaces    x    ${SOCKETS}/a    ${SOCKETS}/a
    Should Be Refused    sockets    0    1 to    Configure Vhost Interfaces    x
    Create File    ${SOCKETS}/file    kept
    Create Directory    ${SOCKETS}/directory
    FOR    ${name}    IN    file    directory
        Should Be Refused    sockets    '${SOCKETS}/${name}'    a socket    Configure Vhost Interfaces    x    ${SOCKETS}/${name}
    END
    File Should Exist    ${SOCKETS}/file
    Directory Should Exist    ${SOCKETS}/directory

A Socket That Another VM Has Is Refused
    Configure Vhost Interfaces    first    ${SOCKETS}/a
    Should Be Refused    sockets    '${SOCKETS}/a'    VM 'first'    Configure Vhost Interfaces    second    ${SOCKETS}/b
    ...    ${SOCKETS}/a
    ${vms}=    List VMs
    Should Be Equal    ${vms}    ${{['first']}}
    Should Be Refused    sockets    '${SOCKETS}/a'    VM 'first'    Configure Vhost Interfaces    first    ${SOCKETS}/a
    Kill VM    first

A Socket On Which Another Process Listens Is Refused
    Start Host Testpmd    ${SOCKETS}/a    client=False
    Should Be Refused    sockets    '${SOCKETS}/a'    another process    Configure Vhost Interfaces    x    ${SOCKETS}/a
    Stop Host Testpmd

Options Of Interfaces That Cannot Be Are Refused
    Should Be Refused    queues    ${0}    1 to 128    Configure Vhost Interfaces    x    ${SOCKETS}/a    queues=${0}
    Should Be Refused    queue_size    ${300}    256, 512 or 1024    Configure Vhost Interfaces    x    ${SOCKETS}/a    queue_size=${300}
    Should Be Refused    mac    '52:54:00'    MAC    Configure Vhost Interfaces    x    ${SOCKETS}/a    mac=52:54:00
    Should Be Refused    mac    '01:00:5e:00:00:01'    unicast    Configure Vhost Interfaces    x    ${SOCKETS}/a    mac=01:00:5e:00:00:01
    Should Be Refused    mac    2    one    Configure Vhost Interfaces    x    ${SOCKETS}/a    ${SOCKETS}/b    mac=52:54:00:00:00:01
    Should Be Refused    feature_mask    'all'    integer    Configure Vhost Interfaces    x    ${SOCKETS}/a    feature_mask=all
    Should Be Refused    jumbo    'very'    true or false    Configure Vhost Interfaces    x    ${SOCKETS}/a    jumbo=very
    Should Be Refused    pci_address    '0000:99:00.0'    DUT1    Add PCI Passthrough Interface    x    0000:99:00.0

A Vswitch That Never Comes Fails After The Timeout
    Configure Vhost Interfaces    x    ${SOCKETS}/a    ${SOCKETS}/b
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    timeout=1500 ms
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    1.5 <= ${seconds} < 2.5
    Should Contain    ${error}    vhost1 (${SOCKETS}/a), vhost2 (${SOCKETS}/b)
    Should Contain    ${error}    waiting for the vswitch
    State Should Be    x    defined
    Kill VM    x

A Vswitch That Never Listens Fails After The Timeout
    Configure Vhost Interfaces    x    ${SOCKETS}/a    server=False
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    timeout=1 s
    Should Contain    ${error}    ${SOCKETS}/a
    Kill VM    x

A Payload That Does Not Exist Fails Before The Timeout
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    vnf=command
    ...    command=no-such-program    ready_pattern=never    timeout=60 s
    Should Contain    ${error}    powered off while waiting
    Should Contain    ${error}    no-such-program: not found

A Payload That Exits At Once Fails Before The Timeout
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    vnf=command
    ...    command=echo that is all; exit 3    ready_pattern=never    timeout=60 s
    Should Contain    ${error}    | that is all

A Payload Without Its Marker Fails After The Timeout
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    vnf=command
    ...    command=echo something else; sleep infinity    ready_pattern=the-marker    timeout=12 s
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    12 <= ${seconds} < 13
    Should Contain    ${error}    the-marker
    Should Contain    ${error}    timed out
    Should Contain    ${error}    the kernel is running
    Should Contain    ${error}    | something else

Testpmd With A Bad Option Fails With Its Own Words
    Configure Vhost Interfaces    x    ${SOCKETS}/a
    Start Host Testpmd    ${SOCKETS}/a
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    vnf=testpmd
    ...    extra_args=${{['--no-such-option']}}    timeout=60 s
    Should Contain    ${error}    no-such-option
    Stop Host Testpmd
    Kill VM    x

Testpmd Without Interfaces Is Refused
    Should Fail At Once    *Start Kernel VM*Configure Vhost Interfaces*    Call Server    Start Kernel VM    x    vnf=testpmd

A Command Without Its Text Is Refused
    Should Be Refused    ready_pattern    (open    regular expression    Start Kernel VM    x    vnf=command    command=true
    ...    ready_pattern=(open
    Should Be Refused    command    vnf    ${EMPTY}    Start Kernel VM    x    vnf=command

A Kernel That Panics Fails Before The Timeout
    Create File    ${SOCKETS}/panic.init    \#!/bin/sh\necho going down\nexit 1\n
    ${error}=    Run Keyword And Expect Error    *    Start Kernel VM    x    init_template=${SOCKETS}/panic.init    timeout=60 s
    Should Contain    ${error}    Kernel panic - not syncing

A Qemu Binary That Fails Says Why
    Create File    ${SOCKETS}/qemu    \#!/bin/sh\necho "no accelerator today" >&2\nexit 7\n
    Evaluate    os.chmod($SOCKETS + '/qemu', 0o755)    os
    Set Constant    qemu.binary    ${SOCKETS}/qemu
    ${error}=    Should Fail At Once    *    Call Server    Start Kernel VM    x
    Should Contain    ${error}    VM 'x'
    Should Contain    ${error}    no accelerator today
    Set Constant    qemu.binary    /no/such/qemu
    Should Fail At Once    *VM 'x'*/no/such/qemu*    Call Server    Start Kernel VM    x
    Set Constant    qemu.binary    /etc/passwd
    Should Fail At Once    *VM 'x'*/etc/passwd*    Call Server    Start Kernel VM    x
    Reload Constants
    Set Constant    qemu.machine    no-such-machine
    ${error}=    Should Fail At Once    *    Call Server    Start Kernel VM    x
    Should Contain    ${error}    unsupported machine type

A Template That Is Empty Is Refused
    Create File    ${SOCKETS}/empty.init    ${EMPTY}
    Should Be Refused    init_template    ${SOCKETS}/empty.init    empty    Start Kernel VM    x    init_template=${SOCKETS}/empty.init


*** Keywords ***
Should Be Refused
    [Documentation]    The error names the argument, what was given and what is allowed.
    [Arguments]    ${argument}    ${given}    ${allowed}    ${name}    @{args}    &{named}
    ${error}=    Should Fail At Once    *    Call Server    ${name}    @{args}    &{named}
    Should Contain    ${error}    '${argument}'
    Should Contain    ${error}    ${{str($given)}}
    Should Contain    ${error}    ${allowed}

Nothing Should Be Left In The End
    Reload Constants
    Nothing Should Be Left
    [Teardown]    Qemu Kill All
